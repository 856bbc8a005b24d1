"""What Optuna's samplers make of a ledger: the same from the same, within the space, and better with time."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from statistics import median
from typing import Any

import msgspec
import optuna
import pytest
from msgspec.structs import replace

from faena.kernel.discovery import child_environment
from faena.kernel.errors import UserErrorException
from faena.sweeps.learning import attributes, messages, models, tpe
from faena.sweeps.learning.drawing import draw
from faena.sweeps.learning.extras import why_not
from faena.sweeps.learning.frozen import FrozenTrials
from faena.sweeps.learning.known import Known
from faena.sweeps.learning.messages import (
    Answer,
    Draw,
    Drawn,
    Exhausted,
    Prepare,
    Refused,
    Task,
    TellAll,
    Told,
)
from faena.sweeps.learning.models import OptunaModel
from faena.sweeps.learning.process import COMMAND
from faena.sweeps.learning.sweeps import Sweeps
from faena.sweeps.learning.tpe import TableModel
from faena.sweeps.schemas import Goal, Objective, Sampling
from faena.sweeps.space import Space
from tests.examples import long_form
from tests.sweeps.learning_house import (
    CMAES,
    FLAT,
    FORKED,
    GP,
    LOSS,
    NSGA2,
    TPE,
    Ledger,
    ask,
    bodies,
    bowl,
    drawn_for,
    incrementally,
    rebuilt,
    task,
    tell,
    values,
)

_MISSING = why_not(GP)
needs_torch = pytest.mark.skipif(_MISSING is not None, reason=str(_MISSING))
LEARNING = [
    pytest.param(TPE, id="tpe"),
    pytest.param(CMAES, id="cmaes"),
    pytest.param(NSGA2, id="nsga2"),
    pytest.param(GP, id="gp", marks=needs_torch),
]

SPACES = {
    "flat": FLAT,
    "forked": FORKED,
    "numbers": {
        "--lr": ["loguniform", [-6, -1]],
        "--decay": ["lognormal", [0, 1]],
        "--step": ["quniform", [0, 10, 0.5]],
        "--shift": ["normal", [0, 3]],
    },
    "integers": {
        "--units": ["randint", [1_000_000]],
        "--width": ["randint", [500]],
        "--few": ["randint", [3]],
    },
    "many": {f"--x{place}": ["uniform", [0, 1]] for place in range(10)},
    "small": {"--few": ["randint", [3]], "--two": ["choice", [["a", "b"]]]},
}


def _any_trial(chance: random.Random, space: Space, number: int) -> Told:
    """In any state, with equal values among others."""
    at = space.from_unit([chance.random() for _ in space.dimensions])
    reached = {chance.randint(1, 4): chance.choice([chance.random(), 0.3])} if chance.random() < 0.8 else {}
    state = chance.choice(["running", "completed", "completed", "stopped", "failed"])
    return Told(
        number,
        at.coordinates,
        state,  # type: ignore[arg-type]  # mypy takes the list's items for any text
        [chance.choice([chance.random(), 0.5, 0.0, -0.0, float("inf"), None, 1e200])],
        intermediate=dict(reached) if state == "stopped" else {},
        violations={"latency": chance.choice([0.0, 0.5, 1.0, -1.0])} if chance.random() < 0.3 else {},
    )


QUICK = [each for each in LEARNING if each.id != "nsga2"]
"""Those that learn something of a few dozen trials."""


class TestRepeats:
    """A ledger gives the same trial, whoever asks and how often."""

    @pytest.mark.parametrize(
        "sampling", [each if each.id != "cmaes" else long_form(CMAES, id="cmaes") for each in LEARNING]
    )
    @pytest.mark.parametrize("space", [FLAT, FORKED], ids=["flat", "forked"])
    def test_incremental_and_rebuilt_draws_are_the_same(
        self, sampling: Sampling, space: dict[str, Any]
    ) -> None:
        ledger = Ledger(task(sampling, space))
        drawn = incrementally(ledger, 30)
        history = ledger.changes
        for number in (0, 5, 12, 13, 29):
            until_then = Ledger(ledger.task, changes=history[: 2 * number])
            assert rebuilt(until_then, number) == drawn[number]
        assert len({str(each.coordinates) for each in drawn}) == 30

    def test_another_seed_gives_other_trials(self) -> None:
        first, second = (
            [each.coordinates for each in incrementally(Ledger(task(Sampling("bayesian", seed=seed))), 12)]
            for seed in (1, 2)
        )
        assert all(one != other for one, other in zip(first, second, strict=True))

    def test_the_order_in_which_trials_are_told_does_not_matter(self) -> None:
        ledger = Ledger(task())
        incrementally(ledger, 20)
        turned = Ledger(ledger.task, changes=list(reversed(ledger.since(0))))
        turned.changes += [turned.changes[0]] * (ledger.revision - turned.revision)
        assert rebuilt(turned, 20) == rebuilt(ledger, 20)

    def test_a_trial_that_is_drawn_again_does_not_know_of_itself(self) -> None:
        """After a kill between the draw and its transaction, or after it: the place is filled with the same."""
        ledger = Ledger(task())
        incrementally(ledger, 15)
        before = drawn_for(ledger, 15)
        ledger.put(Told(15, before.coordinates, "running", attributes=before.attributes))
        assert rebuilt(ledger, 15) == before


class TestLearns:
    @pytest.mark.parametrize(
        "sampling", [each if each.id != "cmaes" else long_form(CMAES, id="cmaes") for each in QUICK]
    )
    def test_it_comes_nearer(self, sampling: Sampling) -> None:
        space = {"--x": ["uniform", [-5, 5]], "--y": ["uniform", [-5, 5]]}
        ledger = Ledger(task(sampling, space))
        found = [bowl(each.coordinates) for each in incrementally(ledger, 60 if sampling != GP else 25)]
        assert min(found[-20:]) < min(found[:5])
        assert sum(found[-10:]) < 0.5 * sum(found[:10])

    def test_maximize_goes_the_other_way(self) -> None:
        ledger = Ledger(
            task(space={"--x": ["uniform", [-5, 5]]}, objectives=[Objective("accuracy", "maximize")]),
            value=lambda at: at["--x"],
        )
        assert sum(each.coordinates["--x"] for each in incrementally(ledger, 40)[-10:]) > 30

    @pytest.mark.long
    def test_cma_es_keeps_its_optimizer_in_the_ledger(self) -> None:
        """Without what was attached to its trials it starts anew, and says something else."""
        ledger = Ledger(task(CMAES))
        drawn = incrementally(ledger, 40)
        assert any(len(each.attributes) > 500 for each in drawn)
        forgetful = Ledger(ledger.task, changes=[replace(told, attributes=b"") for told in ledger.changes])
        assert rebuilt(forgetful, 40) != rebuilt(ledger, 40)

    @pytest.mark.long
    def test_an_optimizer_of_other_bounds_is_not_gone_on_with(self) -> None:
        ledger = Ledger(task(CMAES))
        incrementally(ledger, 40)
        narrower = task(CMAES, {**FLAT, "--x": ["uniform", [-6, 6]]})
        known = _optunas(narrower, ledger.changes)
        assert all(trial.system_attrs == {} for trial in known.known(without=40))
        assert isinstance(rebuilt(Ledger(narrower, changes=ledger.changes), 40), Drawn)

    @pytest.mark.long
    def test_cma_es_of_one_parameter_and_a_fixed_one(self) -> None:
        space = {"--x": ["uniform", [-5, 5]], "--same": ["choice", [["a"]]]}
        incrementally(Ledger(task(CMAES, space), value=lambda at: at["--x"] ** 2), 20)

    @pytest.mark.few(1)
    @pytest.mark.parametrize("sampling", QUICK)
    def test_an_earlier_sweep_is_learned_from(self, sampling: Sampling) -> None:
        """Its trials have numbers below zero; CMA-ES goes on with its optimizer."""
        space = {"--x": ["uniform", [-5, 5]], "--y": ["uniform", [-5, 5]]}
        earlier = Ledger(task(sampling, space))
        incrementally(earlier, 30)
        ended = earlier.since(0)
        warm = [replace(told, number=told.number - len(ended)) for told in ended]
        ledger = Ledger(replace(earlier.task, sweep="s"), changes=warm)
        assert drawn_for(ledger, 0) != drawn_for(Ledger(ledger.task), 0)
        found = [bowl(each.coordinates) for each in incrementally(ledger, 10)]
        assert median(found) < 0.5 * median(bowl(told.coordinates) for told in ended[:10])

    def test_tpe_keeps_away_from_trials_that_run(self) -> None:
        """The constant liar: otherwise many at once would be sent to one place."""
        ledger = Ledger(task(space={"--x": ["uniform", [-5, 5]]}))
        incrementally(ledger, 30)
        before = drawn_for(ledger, 40)
        for number in range(30, 40):
            ledger.put(Told(number, before.coordinates, "running"))
        after = drawn_for(ledger, 40)
        assert abs(after.coordinates["--x"] - before.coordinates["--x"]) > 0.01

    @pytest.mark.few(3)
    @pytest.mark.parametrize("goal", ["minimize", "maximize"])
    @pytest.mark.parametrize(
        "space",
        [(long_form if name == "integers" else pytest.param)(each, id=name) for name, each in SPACES.items()],
    )
    def test_its_tables_give_the_draws_of_optunas_own(
        self, space: dict[str, Any], goal: Goal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever became of the trials, however often they changed, and in whichever order they came."""
        chance = random.Random(f"{goal}/{sorted(space)}")
        sampling = Sampling("bayesian", seed=chance.randrange(1_000))
        asked = task(sampling, space, objectives=[Objective("loss", goal)], allow_duplicates=True)
        with_table = Known(asked)
        monkeypatch.setattr(tpe, "fits", lambda: False)
        optunas = Known(asked)
        assert isinstance(with_table.model, TableModel)
        assert isinstance(optunas.model, OptunaModel)
        numbers = [*range(-5, 120)]  # below 0: of an earlier sweep
        chance.shuffle(numbers)
        for count, number in enumerate([*numbers, *numbers[:40]]):
            told = _any_trial(chance, with_table.space, number)
            with_table.tell(told)
            optunas.tell(told)
            if count % 12 == 0:
                assert draw(with_table, number + count % 2) == draw(optunas, number + count % 2)

    def test_they_are_used_with_the_release_whose_draws_they_give(self) -> None:
        """With another one Optuna's own sampler draws."""
        tpe.fits.cache_clear()
        assert tpe.fits() == (optuna.__version__ == "5.0.0")

    def test_branches_are_learned_where_they_are_active(self) -> None:
        def loss(at: dict[str, float]) -> float:
            return at["--x"] ** 2 / 50 + (abs(at["optimizer/1/--beta"] - 0.9) if at["optimizer"] else 1)

        ledger = Ledger(task(space=FORKED), value=loss)
        last = incrementally(ledger, 80)[-20:]
        assert sum(each.coordinates["optimizer"] == 1 for each in last) > 12
        betas = [
            each.coordinates["optimizer/1/--beta"] for each in last if each.coordinates["optimizer"] == 1
        ]
        assert sum(abs(beta - 0.9) < 0.2 for beta in betas) > len(betas) / 2
        assert {"--opt", "--x", "--beta"} == values(ledger.task, last[-1]).keys() or last[-1].coordinates[
            "optimizer"
        ] == 0

    def test_several_objectives(self) -> None:
        both = [LOSS, Objective("speed", "maximize")]
        ledger = Ledger(task(objectives=both))
        for number in range(30):
            drawn = drawn_for(ledger, number)
            x = drawn.coordinates["--x"]
            results = [x**2, None if number % 5 == 4 else x]
            told = Told(number, drawn.coordinates, "completed", results, {1: 0.5})
            ledger.put(replace(told, state="stopped") if number % 7 == 6 else told)
        assert isinstance(rebuilt(ledger, 30), Drawn)


class TestWhatIsTold:
    """Of Optuna's words for how a trial ended."""

    @pytest.mark.parametrize(
        ("told", "state", "learned"),
        [
            (Told(0, {}, "completed", [1.5]), optuna.trial.TrialState.COMPLETE, [1.5]),
            (Told(0, {}, "completed", [None]), optuna.trial.TrialState.FAIL, None),
            (Told(0, {}, "completed", []), optuna.trial.TrialState.FAIL, None),
            (Told(0, {}, "completed", [float("-inf")]), optuna.trial.TrialState.FAIL, None),
            (Told(0, {}, "failed", [1.5]), optuna.trial.TrialState.FAIL, None),
            (Told(0, {}, "running", [1.5]), optuna.trial.TrialState.RUNNING, None),
            (Told(0, {}, "stopped", [1.5], {3: 2.5}), optuna.trial.TrialState.PRUNED, None),
        ],
    )
    def test_states(self, told: Told, state: optuna.trial.TrialState, learned: list[float] | None) -> None:
        [trial] = _told(told)
        assert (trial.state, trial.values) == (state, learned)

    def test_minus_infinity_does_not_become_the_best(self) -> None:
        """Optuna itself takes it as complete."""
        told = Told(0, {}, "completed", [float("-inf")])
        [trial] = _told(told)
        assert trial.values is None

    def test_of_a_stopped_trial_the_last_finite_value_is_told(self) -> None:
        told = Told(0, {}, "stopped", [0.1], {1: 0.9, 2: 0.4, 3: float("nan"), 4: None})
        [trial] = _told(told)
        assert trial.intermediate_values == {2: 0.4}

    def test_others_than_tpe_take_it_as_what_the_trial_had_reached(self) -> None:
        """A policy that stops most trials would leave them nothing to learn from."""
        [trial] = _told(Told(0, {}, "stopped", [0.1], {1: 0.9, 2: 0.4}), CMAES)
        assert trial.values == [0.4]

    def test_violated_constraints_on_metrics(self) -> None:
        [trial] = _told(Told(0, {}, "completed", [1.0], violations={"memory": 3.0}))
        assert trial.constraints == {"memory": 3.0}

    def test_what_lies_outside_a_narrowed_space_is_not_learned_from(self) -> None:
        ledger = Ledger(task(space={"--x": ["uniform", [0, 1]]}))
        ledger.put(Told(0, {"--x": 0.5}, "completed", [1.0]))
        ledger.put(Told(1, {"--x": 3.0}, "completed", [0.0]))
        ledger.put(Told(2, {"--z": 0.5}, "completed", [0.0]))
        assert [trial.number for trial in _optunas(ledger.task, ledger.changes).known(without=3)] == [0]

    def test_an_attribute_that_runs_code_is_not_run(self) -> None:
        """An optimizer is a pickle, and a ledger may have come from elsewhere."""
        layout = attributes.layout(Space.parse(FLAT).dimensions)
        kept = {"layout": layout, "system": {"cma:generation": 1}, "optimizer": pickle.dumps(_Runs())}
        assert attributes.decode(msgspec.msgpack.encode(kept), layout) == {}
        hidden = {"cma:optimizer:0": pickle.dumps(_Runs()).hex()}
        assert attributes.decode(msgspec.msgpack.encode({"layout": layout, "system": hidden}), layout) == {}
        assert not _Runs.ran
        del kept["optimizer"]
        assert attributes.decode(msgspec.msgpack.encode(kept), layout) == {"cma:generation": 1}
        for nonsense in (b"\0", b"\xff" * 100, b"{}", pickle.dumps(_Runs())):
            assert attributes.decode(nonsense, layout) == {}

    @pytest.mark.long
    def test_an_optimizer_survives_the_ledger_whole(self) -> None:
        """Also a large one, which Optuna keeps in many parts."""
        space = {f"--x{place}": ["uniform", [-5, 5]] for place in range(40)}
        ledger = Ledger(task(CMAES, space))
        drawn = incrementally(ledger, 32)
        layout = attributes.layout(Space.parse(space).dimensions)
        large = [each.attributes for each in drawn if len(each.attributes) > 10_000]
        assert len(large) == 2
        assert len(attributes.decode(large[0], layout)) > 10
        assert attributes.encode(attributes.decode(large[0], layout), layout) == large[0]


class TestRefusals:
    def test_no_two_trials_are_the_same_and_then_it_is_exhausted(self) -> None:
        small = {"--a": ["choice", [[1, 2, 3]]], "--b": ["quniform", [0, 8, 4]]}
        ledger = Ledger(task(space=small), value=lambda at: 1.0)
        drawn = incrementally(ledger, 9)
        assert len({str(values(ledger.task, each)) for each in drawn}) == 9
        assert isinstance(rebuilt(ledger, 9), Exhausted)

    def test_unless_duplicates_are_allowed(self) -> None:
        ledger = Ledger(
            task(space={"--a": ["choice", [[1, 2]]]}, allow_duplicates=True), value=lambda at: 1.0
        )
        assert len(incrementally(ledger, 15)) == 15

    @pytest.mark.long
    @pytest.mark.parametrize("sampling", [TPE, CMAES], ids=["tpe", "cmaes"])
    def test_constraints_hold(self, sampling: Sampling) -> None:
        of = task(sampling, {"--a": ["randint", [30]], "--b": ["randint", [30]]}, constraints=["a * b <= 40"])
        for each in incrementally(Ledger(of), 40):
            found = values(of, each)
            assert found["--a"] * found["--b"] <= 40

    def test_constraints_that_one_combination_fulfils(self) -> None:
        space = {"--a": ["randint", [100]], "--b": ["randint", [100]]}
        of = task(space=space, constraints=["a * b == 97 * 89", "a < b"])
        [drawn] = incrementally(ledger := Ledger(of), 1)
        assert values(of, drawn) == {"--a": 89, "--b": 97}
        assert isinstance(rebuilt(ledger, 1), Exhausted)

    @pytest.mark.parametrize("expression", [["randint", [10]], ["uniform", [0, 10]]])
    def test_constraints_that_refuse_everything(self, expression: list[Any]) -> None:
        answer = rebuilt(Ledger(task(space={"--a": expression}, constraints=["a > 100"])), 0)
        assert isinstance(answer, Refused)
        assert answer.code == "UserErrorException"
        assert "a > 100" in answer.message

    def test_many_trials_of_several_objectives(self) -> None:
        """They are drawn otherwise, and within the space, too."""
        ledger = Ledger(task(space=FORKED, objectives=[LOSS, Objective("speed", "maximize")]))
        for number in range(2_100):
            branch = f"optimizer/{number % 2}/{'--beta' if number % 2 else '--momentum'}"
            at: dict[str, int | float] = {
                "--x": number % 11 - 5,
                "optimizer": number % 2,
                branch: number % 7 / 7,
            }
            ledger.put(Told(number, at, "completed", [bowl(at), number % 5]))
        drawn = drawn_for(ledger, 2_100)
        assert values(ledger.task, drawn)
        assert drawn_for(ledger, 2_100) == drawn

    def test_cma_es_has_its_limits(self) -> None:
        many = {f"--x{place}": ["uniform", [0, 1]] for place in range(301)}
        both = [LOSS, Objective("speed", "maximize")]
        for of, said in ((task(CMAES, many), "300"), (task(CMAES, objectives=both), "one objective")):
            answer = rebuilt(Ledger(of), 0)
            assert isinstance(answer, Refused)
            assert said in answer.message

    def test_a_space_that_is_none(self) -> None:
        answer = rebuilt(Ledger(task(space={"--a": ["choice", [[]]]})), 0)
        assert isinstance(answer, Refused)
        assert "--a" in answer.message

    def test_what_optuna_raises_is_answered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ledger = Ledger(task(CMAES))
        sweeps = Sweeps()
        tell(sweeps, ledger)
        monkeypatch.setattr(models, "propose", lambda *_: 1 / 0)
        answer = ask(sweeps, ledger, 0)
        assert isinstance(answer, Refused)
        assert (answer.code, "ZeroDivisionError" in answer.message) == ("ServiceException", True)
        monkeypatch.undo()
        assert isinstance(ask(sweeps, ledger, 0), Drawn)


class TestTelling:
    def test_an_unknown_revision_asks_for_everything(self) -> None:
        ledger = Ledger(task())
        drawn = incrementally(ledger, 3)
        sweeps = Sweeps()
        assert ask(sweeps, ledger, 3) == TellAll()
        tell(sweeps, ledger, base=2)
        assert ask(sweeps, ledger, 3) == TellAll()
        tell(sweeps, ledger)
        assert isinstance(ask(sweeps, ledger, 3), Drawn)
        ledger.put(Told(3, drawn[0].coordinates, "failed"))
        assert ask(sweeps, ledger, 4) == TellAll()

    def test_another_space_asks_for_everything(self) -> None:
        ledger = Ledger(task())
        sweeps = Sweeps()
        tell(sweeps, ledger)
        wider = Ledger(task(space={**FLAT, "--x": ["uniform", [-9, 9]]}))
        for body in bodies(wider.task, 1, 2, []):
            sweeps.answer(messages.request(body))
        assert sweeps.answer(Draw("s", 2, 0)) == TellAll()

    def test_many_trials_are_told_in_parts(self) -> None:
        ledger = Ledger(task())
        ledger.changes = [
            Told(
                number,
                {"--x": 0.1, "--y": 0.2, "--n": 3, "--size": 1},
                "completed",
                [number / 7],
                attributes=b"x" * 500,
            )
            for number in range(3_000)
        ]
        parts = list(bodies(ledger.task, 0, 3_000, ledger.changes))
        assert len(parts) > 2
        sweeps = Sweeps()
        for body in parts[:-1]:
            sweeps.answer(messages.request(body))
        assert ask(sweeps, ledger, 3_000) == TellAll()
        tell(sweeps, ledger)
        assert isinstance(ask(sweeps, ledger, 3_000), Drawn)

    def test_sweeps_do_not_disturb_each_other_and_few_are_kept(self) -> None:
        sweeps = Sweeps()
        for place in range(40):
            for body in bodies(replace(task(), sweep=f"s{place}"), 0, 0, []):
                sweeps.answer(messages.request(body))
        assert sweeps.answer(Draw("s0", 0, 0)) == TellAll()
        assert isinstance(sweeps.answer(Draw("s39", 0, 0)), Drawn)


class TestGaussianProcess:
    def test_it_learns_from_the_best_and_the_newest(self) -> None:
        """Which those are needs no torch."""
        of = task(GP, {"--x": ["uniform", [0, 1]]})
        trials = [
            Told(number, {"--x": number / 1_000}, "completed", [abs(number - 300.5)])
            for number in range(1_000)
        ]
        known = _optunas(of, [*trials, Told(1_000, {"--x": 0.5}, "running")])
        chosen = models.learned_from(GP, known.known(without=1_001), [False])
        numbers = [trial.number for trial in chosen]
        assert len(numbers) == models.GP_LIMIT + 1
        assert numbers == [*range(251, 351), *range(900, 1_000), 1_000]

    def test_of_several_objectives_the_best_take_turns(self) -> None:
        of = task(GP, {"--x": ["uniform", [0, 1]]}, objectives=[LOSS, Objective("speed", "maximize")])
        trials = [
            Told(number, {"--x": number / 1_000}, "completed", [number, -abs(number - 500)])
            for number in range(1_000)
        ]
        known = _optunas(of, trials)
        chosen = {trial.number for trial in models.learned_from(GP, known.known(without=-1), [False, True])}
        assert len(chosen) == models.GP_LIMIT
        assert chosen >= {*range(40), *range(480, 520), *range(910, 1_000)}

    @needs_torch
    def test_the_answer_says_so(self) -> None:
        ledger = Ledger(task(GP, {"--x": ["uniform", [0, 1]]}))
        for number in range(300):
            ledger.put(Told(number, {"--x": number / 300}, "completed", [number]))
        note = drawn_for(ledger, 300).note
        assert note is not None
        assert "200 of 300" in note


class TestProcess:
    def test_it_answers_and_leaves_at_the_end_of_its_input(self) -> None:
        ledger = Ledger(task())
        with _process() as process:
            assert process.stdin and process.stdout
            for body in bodies(ledger.task, 0, 0, []):
                process.stdin.write(len(body).to_bytes(4, "big") + body)
            process.stdin.write(messages.frame(Draw("s", 0, 0)))
            process.stdin.flush()
            assert _read(process) == rebuilt(ledger, 0)
            process.stdin.close()
            assert process.wait(120) == 0

    @pytest.mark.parametrize("sampling", [TPE, CMAES], ids=["tpe", "cmaes"])
    def test_it_loads_optuna_before_its_first_draw_and_only_where_optuna_draws(
        self, sampling: Sampling
    ) -> None:
        with _process(_SAYS_WHAT_IS_LOADED) as process:
            assert process.stdin and process.stdout
            process.stdin.write(messages.frame(Prepare(task(sampling))))
            process.stdin.close()
            assert process.stdout.read().decode().split() == [str(sampling == CMAES), "True"]

    @pytest.mark.few(2)
    @pytest.mark.parametrize(
        "nonsense",
        [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{]", b'\x00\x00\x00\x0e{"type":"Nope"}', b"\0\0\0\0"],
    )
    def test_what_it_cannot_read_it_names_and_leaves(self, nonsense: bytes) -> None:
        with _process() as process:
            assert process.stdin and process.stderr
            process.stdin.write(nonsense)
            process.stdin.flush()
            answer = _read(process)
            assert isinstance(answer, Refused)
            assert process.wait(120) == 2
            assert b"cannot be read" in process.stderr.read()


class _Runs:
    ran = False

    def __reduce__(self) -> Any:
        return setattr, (_Runs, "ran", True)


def _told(told: Told, sampling: Sampling = TPE) -> list[optuna.trial.FrozenTrial]:
    """As Optuna has it after a telling."""
    of = task(sampling, {"--x": ["uniform", [0, 1]]})
    [body] = bodies(of, 0, 1, [replace(told, coordinates={"--x": 0.5})])
    request = messages.request(body)
    assert isinstance(request, messages.ToldTell)
    return _optunas(of, request.trials).known(without=99)


def _optunas(of: Task, trials: Sequence[Told]) -> FrozenTrials:
    """What a model that Optuna draws for keeps of these."""
    known = FrozenTrials(of, Space.parse(of.space))
    for told in trials:
        with suppress(UserErrorException):
            known.put(told, known.space.at(told.coordinates))
    return known


_SAYS_WHAT_IS_LOADED = (
    sys.executable,
    "-c",
    """import sys
from faena.sweeps.learning import messages
from faena.sweeps.learning.sweeps import Sweeps
[size] = [messages.length(sys.stdin.buffer.read(messages.LENGTH))]
Sweeps().answer(messages.request(sys.stdin.buffer.read(size)))
print("optuna" in sys.modules, "numpy" in sys.modules)
""",
)


def _process(command: Sequence[str] = COMMAND) -> subprocess.Popen[bytes]:
    assert COMMAND[0] == sys.executable
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment(),
        cwd="/",
    )


def _read(process: subprocess.Popen[bytes]) -> Answer:
    assert process.stdout
    return messages.answer(process.stdout.read(messages.length(process.stdout.read(messages.LENGTH))))
