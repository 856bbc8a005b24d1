"""The next trial of a population, out of the ledger: in the transaction that issues it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.runs import checkpoints, record_store
from faena.runs import store as run_rows
from faena.runs.model import RunStatus
from faena.runs.submission_schemas import Checkpoint
from faena.sweeps import journal, populations, samplings, trial_store
from faena.sweeps.arguments import digest_of
from faena.sweeps.model import Sweep, Trial, TrialState
from faena.sweeps.populations import Lineage, Member
from faena.sweeps.schemas import Population, Sampling
from faena.sweeps.space import Point

FOLDER = "outputs/checkpoint"
"""Where a trial finds its checkpoint, and leaves the next one."""


@dataclass(frozen=True, slots=True)
class Next:
    """What the next trial of a population is."""

    point: Point
    lineage: Lineage
    position: int
    """Where the sampling of the first generation goes on."""


def plan(read: Read, sweep: Sweep) -> Next | None:
    """None while the generation before has not ended."""
    population = _population(sweep)
    seed, number = sweep.spec.sampling.seed, sweep.issued
    if number < population.size:
        return _first(read, sweep, seed)
    start = (number // population.size - 1) * population.size
    before = trial_store.numbered(read, sweep.run_id, start, start + population.size)
    if len(before) < population.size or any(trial.state is not TrialState.ENDED for trial in before):
        return None
    goal = sweep.spec.objectives[0].goal
    members = [_member(read, trial) for trial in before]
    lineage = populations.go_on(population, goal, seed, number, members)
    parent = next(trial for trial in before if trial.number == lineage.parent)
    return Next(_point(sweep, parent, number), lineage, sweep.position)


def _first(read: Read, sweep: Sweep, seed: int) -> Next | None:
    """By chance, and nothing twice unless the space is smaller than the population."""
    plain = Sampling("random", seed)
    found = samplings.next_point(
        sweep.space,
        plain,
        sweep.position,
        lambda digest: trial_store.is_taken(read, sweep.run_id, digest),
    ) or samplings.next_point(sweep.space, plain, sweep.position, lambda _: False)
    return None if found is None else Next(found[0], Lineage(), found[1])


def _point(sweep: Sweep, parent: Trial, number: int) -> Point:
    """The parent's own parameters for its member, else some beside them; anew where the space has them no more."""
    population, seed = _population(sweep), sweep.spec.sampling.seed
    here: Point | None = Point(parent.coordinates, parent.parameters, digest_of(parent.parameters))
    if parent.revision != sweep.revision:
        here = sweep.space.locate(parent.parameters)
        here = here if here is not None and sweep.space.allows(here.values) else None
    if here is None:
        found = samplings.next_point(sweep.space, Sampling("random", seed), number, lambda _: False)
        return found[0] if found is not None else Point({}, parent.parameters, digest_of(parent.parameters))
    if parent.number == number - population.size:
        return here
    return populations.explore(sweep.space, population, seed, number, here.coordinates) or here


def _member(read: Read, trial: Trial) -> Member:
    if trial.status == RunStatus.COMPLETED.value and trial.run_id and _has_checkpoint(read, trial.run_id):
        return Member(trial.number, trial.value, trial.number)
    return Member(trial.number, None, Lineage.decode(trial.attributes).checkpoint)


def _has_checkpoint(read: Read, run_id: str) -> bool:
    return bool(checkpoints.left(read, run_id, FOLDER))


def checkpoint(read: Read, sweep: Sweep, trial: Trial) -> Checkpoint | None:
    """What the run of a trial finds in its folder; None for a sweep that trains no population."""
    if sweep.spec.sampling.population is None:
        return None
    origin = Lineage.decode(trial.attributes).checkpoint
    found = None if origin is None else trial_store.trial(read, sweep.run_id, origin)
    if found is None or found.run_id is None:
        return Checkpoint(FOLDER)
    return checkpoints.of_run(read, found.run_id, FOLDER)


def arguments(sweep: Sweep) -> Sequence[str]:
    """What tells the script where its checkpoint is."""
    population = sweep.spec.sampling.population
    if population is None:
        return ()
    name = population.checkpoint_argument
    return (name if name.startswith("-") else f"--{name}", FOLDER)


def note_without_checkpoint(write: Write, sweep: Sweep, trial: Trial, now: Micros) -> None:
    """Say with the first trial that completes without a checkpoint what becomes of that."""
    if trial.run_id is None or _has_checkpoint(write, trial.run_id):
        return
    if "checkpoint" in dict(record_store.list_notes(write, sweep.run_id)):
        return
    said = (
        f"Trial {trial.number} has completed and left no checkpoint in {FOLDER}, the folder that "
        f"{_population(sweep).checkpoint_argument} names: no trial can go on from it, and its member goes on from the "
        "last checkpoint that it had. Have the script write one there before it ends."
    )
    record_store.add_note(write, sweep.run_id, "checkpoint", said)
    run_rows.update(write, sweep.run_id, {})
    journal.told(write, sweep, said, now)


def nobody_can_go_on(read: Read, sweep: Sweep) -> str | None:
    """Why there is no sense in another generation: the first one has ended, and none of it left a checkpoint."""
    size = _population(sweep).size
    if sweep.issued != size:
        return None
    first = trial_store.numbered(read, sweep.run_id, 0, size)
    if any(trial.state is not TrialState.ENDED for trial in first):
        return None
    if any(_member(read, trial).checkpoint is not None for trial in first):
        return None
    return (
        f"no trial of the first generation completed with a checkpoint in {FOLDER}, the folder that "
        f"{_population(sweep).checkpoint_argument} names, so the next one would begin anew"
    )


def _population(sweep: Sweep) -> Population:
    assert sweep.spec.sampling.population is not None
    return sweep.spec.sampling.population
