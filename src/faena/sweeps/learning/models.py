"""One proposal of Optuna's samplers, built anew from what is known, so that the same ledger gives the same one."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from faena.sweeps.learning.evolution import Evolution
from faena.sweeps.learning.frozen import FrozenTrials
from faena.sweeps.learning.ledger_storage import LedgerStorage
from faena.sweeps.learning.messages import Task, Told
from faena.sweeps.learning.proposals import Proposal, groups, seed, within
from faena.sweeps.schemas import Sampling
from faena.sweeps.space import Dimension, Point, Space

GP_LIMIT = 200
"""Trials that a Gaussian process learns from: at 200 a draw takes 0.3 s, at 1,000 nearly 9."""

_APART = 2_000
"""With several objectives TPE draws each parameter by itself, as Optuna has it, up to so many trials. It finds a better
front so, and takes as many times longer as there are parameters: with six of them 310 ms at 10,000 trials, not 97."""


class OptunaModel:
    """What a sweep has learned that one of Optuna's samplers draws for."""

    def __init__(self, task: Task, space: Space) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.frozen = FrozenTrials(task, space)
        self._learned: tuple[int, list[FrozenTrial], list[FrozenTrial]] | None = None
        """The trials for a draw, and those of them that it learns from; until one changes."""

    def put(self, told: Told, point: Point) -> None:
        self._learned = None
        self.frozen.put(told, point)

    def forget(self, number: int) -> None:
        self._learned = None
        self.frozen.forget(number)

    def proposal(self, number: int, attempt: int) -> Proposal:
        _, used = self._trials(number)
        drawn = propose(self.frozen, used, number, attempt)
        return Proposal(drawn.params, self.frozen.attributes_of(drawn))

    def note(self, number: int) -> str | None:
        trials, used = self._trials(number)
        if len(used) == len(trials):
            return None
        ended, counted = (
            sum(trial.state is TrialState.COMPLETE for trial in each) for each in (trials, used)
        )
        return f"learned from {counted} of {ended:,} trials: the {counted // 2} best and the newest of the others"

    def _trials(self, number: int) -> tuple[list[FrozenTrial], list[FrozenTrial]]:
        if self._learned is None or self._learned[0] != number:
            trials = self.frozen.known(without=number)
            used = learned_from(self.frozen.task.sampling, trials, maximizes(self.frozen))
            self._learned = number, trials, used
        return self._learned[1:]


def propose(frozen: FrozenTrials, trials: Sequence[FrozenTrial], number: int, attempt: int) -> FrozenTrial:
    """A running trial with its parameters, and attributes of the sampler's. `attempt`: another one for each."""
    chance = seed(frozen.task.sampling.seed, number, attempt)
    sampler = None if frozen.task.sampling.kind == "nsga2" else _sampler(frozen, chance)
    drawn = FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )
    for place, group in enumerate(groups(frozen.space.dimensions)):
        branch = group[0].branch
        if branch is None or drawn.params.get(branch[0]) == branch[1]:
            searched = [each.name for each in group if not frozen.distributions[each.name].single()]
            used = trials
            if not isinstance(sampler, TPESampler):  # which leaves out by itself what lacks these parameters
                used = [trial for trial in trials if all(name in trial.params for name in searched)]
            of_group = sampler or _evolution(frozen, used, searched, chance + place)
            _draw_group(frozen, of_group, used, drawn, group, searched)
    return drawn


def _evolution(
    frozen: FrozenTrials, trials: Sequence[FrozenTrial], searched: Sequence[str], seed: int
) -> Evolution:
    size = frozen.task.sampling.population_size
    return Evolution(trials, frozen.parents(searched), size=size, seed=seed)


def learned_from(
    sampling: Sampling, trials: Sequence[FrozenTrial], maximize: Sequence[bool]
) -> list[FrozenTrial]:
    """All; for a Gaussian process at most `GP_LIMIT` of those that ended: half the best ones, half the newest.

    With several objectives the best of each take turns. Those that run count besides, since it must not draw near them.
    """
    ended = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if sampling.model != "gp" or sampling.kind != "bayesian" or len(ended) <= GP_LIMIT:
        return list(trials)
    ranked = [
        sorted(ended, key=lambda trial: (_loss(trial, place, most), trial.number))
        for place, most in enumerate(maximize)
    ]
    chosen: set[int] = set()
    for together in zip(*ranked, strict=True):
        chosen |= {trial.number for trial in together[: GP_LIMIT // 2 - len(chosen)]}
        if len(chosen) >= GP_LIMIT // 2:
            break
    for trial in reversed(ended):
        if len(chosen) >= GP_LIMIT:
            break
        chosen.add(trial.number)
    return [trial for trial in trials if trial.state is not TrialState.COMPLETE or trial.number in chosen]


def _loss(trial: FrozenTrial, place: int, most: bool) -> float:
    result = float(trial.values[place])
    return -result if most else result


def _sampler(frozen: FrozenTrials, seed: int) -> BaseSampler:
    sampling = frozen.task.sampling
    if sampling.kind == "cmaes":
        return CmaEsSampler(seed=seed)
    if sampling.model == "gp":
        return GPSampler(seed=seed, warn_independent_sampling=False)
    return TPESampler(seed=seed, multivariate=True, constant_liar=True)


def _draw_group(
    frozen: FrozenTrials,
    sampler: BaseSampler,
    trials: Sequence[FrozenTrial],
    drawn: FrozenTrial,
    group: Sequence[Dimension],
    names: Sequence[str],
) -> None:
    """`names`: dimensions of the group that have more than one value."""
    searched = {name: frozen.distributions[name] for name in names}
    study = LedgerStorage(frozen.task.sweep, frozen.directions, trials, drawn).study()
    together = searched if _is_drawn_together(frozen, sampler, group, len(trials)) else {}
    values = sampler.sample_relative(study, drawn, together)
    for each in group:
        if each.name in values:
            value = values[each.name]
        elif each.name in searched:
            value = sampler.sample_independent(study, drawn, each.name, searched[each.name])
        else:
            value = each.low
        drawn.params[each.name] = within(each, value)
        drawn.distributions[each.name] = frozen.distributions[each.name]


def _is_drawn_together(
    frozen: FrozenTrials, sampler: BaseSampler, group: Sequence[Dimension], trials: int
) -> bool:
    if isinstance(sampler, CmaEsSampler):
        return group[0].branch is None  # it takes no parameters that come and go
    return isinstance(sampler, (GPSampler, Evolution)) or len(frozen.directions) == 1 or trials > _APART


def maximizes(frozen: FrozenTrials) -> list[bool]:
    return [direction is StudyDirection.MAXIMIZE for direction in frozen.directions]
