"""NSGA-II: generations that are looked up in a ledger, by Optuna's rules, and a front that comes nearer."""

from __future__ import annotations

from statistics import mean

import optuna
import pytest
from msgspec.structs import replace
from optuna.trial import TrialState

from faena.kernel.errors import UserErrorException
from faena.sweeps.learning import attributes, models
from faena.sweeps.learning.evolution import GENERATION, Evolution, Parents
from faena.sweeps.learning.frozen import FrozenTrials
from faena.sweeps.learning.known import Known
from faena.sweeps.learning.messages import Drawn, Task, Told
from faena.sweeps.schemas import Objective, Sampling
from faena.sweeps.space import Space
from tests.sweeps.learning_house import FLAT, NSGA2, Ledger, drawn_for, task

BOTH = [Objective("loss", "minimize"), Objective("speed", "maximize")]
UNIT = {name: ["uniform", [0, 1]] for name in ("--a", "--b", "--c")}


def results(at: dict[str, float]) -> list[float | None]:
    """The best of both lie where b and c are 0 (Zitzler, Deb and Thiele, 2000), one of them negated."""
    away = 1 + 4.5 * (at["--b"] + at["--c"])
    return [at["--a"], -away * (1 - (at["--a"] / away) ** 0.5)]


def bred(count: int, sampling: Sampling = NSGA2, of: Task | None = None) -> Ledger:
    """A ledger after so many trials, one at a time."""
    ledger = Ledger(of or task(sampling, UNIT, objectives=BOTH))
    known = known_of(ledger)
    for number in range(count):
        proposed = models.propose(known, known.known(without=number), number, 0)
        told = Told(
            number,
            proposed.params,
            "completed",
            results(proposed.params),
            attributes=known.attributes_of(proposed),
        )
        ledger.put(told)
        put(known, told)
    return ledger


def known_of(ledger: Ledger) -> FrozenTrials:
    known = FrozenTrials(ledger.task, Space.parse(ledger.task.space))
    for told in ledger.changes:
        put(known, told)
    return known


def put(known: FrozenTrials, told: Told) -> None:
    known.put(told, known.space.at(told.coordinates))


def generations(ledger: Ledger) -> list[int]:
    known = known_of(ledger)
    return [trial.system_attrs[GENERATION] for trial in known.known(without=-1)]


def test_a_generation_has_so_many_trials() -> None:
    assert generations(bred(20)) == [0] * 8 + [1] * 8 + [2] * 4


def test_failed_trials_are_of_no_generation() -> None:
    ledger = bred(8)
    for number in (0, 5):
        ledger.changes[number] = replace(ledger.changes[number], state="failed", results=[])
    drawn = drawn_for(ledger, 8)
    ledger.put(Told(8, drawn.coordinates, "completed", [0.5, 0.5], attributes=drawn.attributes))
    assert generations(ledger)[-1] == 0


def test_parents_are_those_that_optuna_selects() -> None:
    ledger = bred(30)
    known = known_of(ledger)
    trials = known.known(without=-1)
    study = optuna.create_study(directions=["minimize", "maximize"])
    for trial in trials:
        theirs_of = {"NSGAIISampler:generation": trial.system_attrs[GENERATION]}
        study.add_trial(
            optuna.trial.create_trial(
                values=trial.values,
                params=trial.params,
                distributions=trial.distributions,
                system_attrs=theirs_of,
            )
        )
    theirs, ours = (
        optuna.samplers.NSGAIISampler(population_size=8),
        Evolution(trials, Parents(), size=8, seed=1),
    )
    for generation in (1, 2, 3):
        expected = [trial.params for trial in theirs.get_parent_population(study, generation)]
        found = [trial.params for trial in ours.get_parent_population(study, generation)]
        assert sorted(map(str, found)) == sorted(map(str, expected))
        assert len(found) == 8


def test_what_is_remembered_of_parents_changes_no_draw() -> None:
    """Also where a trial of an early generation ends last."""
    ledger = bred(20)
    late = ledger.changes[3]
    ledger.changes[3] = replace(late, state="running", results=[])
    known = known_of(ledger)
    before = models.propose(known, known.known(without=20), 20, 0)
    put(known, late)
    ledger.changes[3] = late
    after = models.propose(known, known.known(without=20), 20, 0)
    assert drawn_for(ledger, 20).coordinates == after.params
    assert before.system_attrs == after.system_attrs == {GENERATION: 2}


def test_the_front_comes_nearer() -> None:
    """The first generation lies at a distance of about 1 from it, by chance."""
    ledger = bred(160, replace(NSGA2, population_size=16, seed=3))
    away = [told.coordinates["--b"] + told.coordinates["--c"] for told in ledger.changes]
    assert mean(away[-16:]) < 0.5 * mean(away[:16])


def test_a_trial_by_hand_becomes_a_parent() -> None:
    ledger = bred(7)
    ledger.put(
        Told(7, {"--a": 0.5, "--b": 0.0, "--c": 0.0}, "completed", results({"--a": 0.5, "--b": 0, "--c": 0}))
    )
    children = [drawn_for(ledger, number).coordinates for number in range(8, 28)]
    assert any(0.0 in (child["--b"], child["--c"]) for child in children)


def test_generations_go_on_in_a_space_that_was_narrowed() -> None:
    ledger = bred(20)
    narrower = Ledger(task(NSGA2, {**UNIT, "--a": ["uniform", [0, 0.9]]}, objectives=BOTH))
    narrower.changes = [told for told in ledger.changes if told.coordinates["--a"] <= 0.9]
    drawn = drawn_for(narrower, 20)
    assert drawn.coordinates["--a"] <= 0.9
    assert attributes.decode(drawn.attributes, attributes.layout(()))[GENERATION] >= 1


@pytest.mark.long
def test_thousands_of_generations_are_looked_up_one_after_the_other() -> None:
    ledger = Ledger(task(replace(NSGA2, population_size=2), UNIT, objectives=BOTH))
    kept = {
        number: attributes.encode({GENERATION: number // 2}, attributes.layout(())) for number in range(4_000)
    }
    for number, generation in kept.items():
        at = {name: (number * prime % 997) / 997 for name, prime in zip(UNIT, (3, 5, 7), strict=True)}
        ledger.put(Told(number, at, "completed", results(at), attributes=generation))
    assert isinstance(drawn_for(ledger, 4_000), Drawn)


@pytest.mark.parametrize("size", [1, 0, 10_001])
def test_a_population_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(UserErrorException, match="population_size is"):
        Known(task(replace(NSGA2, population_size=size), FLAT))


def test_trials_that_ended_without_a_finite_result_are_no_parents() -> None:
    ledger = bred(8)
    ledger.changes[2] = replace(ledger.changes[2], results=[None, 1.0])
    states = [trial.state for trial in known_of(ledger).known(without=-1)]
    assert states.count(TrialState.FAIL) == 1
    assert generations(ledger) == [0] * 8
