"""Ask and tell in this process: no server, no run."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from faena import (
    Asking,
    BayesianParameterSampling,
    CmaEsParameterSampling,
    Estimator,
    GridParameterSampling,
    HyperDriveConfig,
    PrimaryMetricGoal,
    RandomParameterSampling,
    SobolParameterSampling,
    choice,
    flag,
    normal,
    uniform,
)
from faena.client.sweeps.samplings import HyperParameterSampling
from faena.kernel.errors import UserErrorException
from faena.sweeps import samplings
from faena.sweeps.learning import extras

PLANE = {"--x": uniform(-5, 5), "--y": uniform(-5, 5)}
Make = Callable[..., HyperParameterSampling]
LEARNING = [BayesianParameterSampling, pytest.param(CmaEsParameterSampling, marks=pytest.mark.long)]
MINIMIZE = PrimaryMetricGoal.MINIMIZE


def bowl(parameters: dict[str, Any]) -> float:
    return float((parameters["--x"] - 1) ** 2 + (parameters["--y"] + 2) ** 2)


def tried(asking: Asking, count: int) -> list[dict[str, Any]]:
    """One after the other, each told."""
    found = []
    for _ in range(count):
        parameters = asking.ask()
        assert parameters is not None
        asking.tell(parameters, bowl(parameters))
        found.append(parameters)
    return found


@pytest.mark.parametrize("make", [RandomParameterSampling, SobolParameterSampling])
def test_a_sampling_without_a_model_asks_for_the_trials_of_a_sweep(make: Make) -> None:
    sampling = make(PLANE, seed=3)
    wanted = [samplings.draw(sampling.space, sampling.sampling, position).values for position in range(5)]
    assert tried(Asking(sampling), 5) == wanted


def test_a_grid_ends() -> None:
    asking = Asking(GridParameterSampling({"--a": choice(1, 2), "--b": choice("x", "y")}))
    found = [asking.ask() for _ in range(5)]
    assert found == [
        *({"--a": a, "--b": b} for a in (1, 2) for b in ("x", "y")),
        None,
    ]


@pytest.mark.parametrize("make", LEARNING)
def test_one_that_learns_gets_better_and_repeats_itself(make: Make) -> None:
    first = tried(Asking(make(PLANE, seed=1), MINIMIZE), 40)
    asking = Asking(make(PLANE, seed=1), MINIMIZE)
    assert tried(asking, 40) == first
    best = asking.best()
    assert best is not None
    assert best.value == min(map(bowl, first)) == bowl(best.parameters)
    assert best.value < min(map(bowl, first[:10]))
    assert best.value < 0.5


def test_nothing_is_asked_for_twice_while_nobody_tells() -> None:
    asking = Asking(BayesianParameterSampling({"--a": choice(1, 2, 3), "--b": choice(1, 2)}))
    found = [asking.ask() for _ in range(7)]
    assert found[-1] is None
    assert len({tuple(each.items()) for each in found if each}) == 6
    assert [trial.state for trial in asking.trials] == ["asked"] * 6


def test_threads_may_ask() -> None:
    asking = Asking(BayesianParameterSampling(PLANE, seed=1), MINIMIZE)
    with ThreadPoolExecutor(4) as pool:
        together = [each for part in pool.map(lambda _: tried(asking, 5), range(4)) for each in part]
    assert len({tuple(each.items()) for each in together}) == 20
    assert [trial.value for trial in asking.trials if trial.state == "told"] == [
        bowl(trial.parameters) for trial in asking.trials
    ]


def test_what_was_tried_before_is_learned_from_and_not_asked_for() -> None:
    asking = Asking(GridParameterSampling({"--a": choice(1, 2, 3)}))
    asking.tell({"a": np.int64(1)}, np.float32(0.5))
    asking.tell({"--a": 2}, None)
    assert asking.ask() == {"--a": 3}
    assert asking.ask() is None
    assert [(trial.state, trial.value) for trial in asking.trials] == [
        ("told", 0.5),
        ("failed", None),
        ("asked", None),
    ]


def test_what_is_left_out_is_no_script_param() -> None:
    asking = Asking(GridParameterSampling({"--augment": flag(), "--n": choice(None, 1)}))
    found = [asking.ask() for _ in range(4)]
    assert found == [{}, {"--n": 1}, {"--augment": ""}, {"--augment": "", "--n": 1}]
    for number, parameters in enumerate(found):
        assert parameters is not None
        asking.tell(parameters, number)
    assert len(asking.trials) == 4


def test_constraints_hold() -> None:
    asking = Asking(BayesianParameterSampling(PLANE, seed=1, constraints="x + y <= 0"), MINIMIZE)
    assert all(each["--x"] + each["--y"] <= 0 for each in tried(asking, 25))


class TestBest:
    def test_is_that_of_the_goal_and_no_failure(self) -> None:
        for goal, wanted in ((PrimaryMetricGoal.MAXIMIZE, 3), (MINIMIZE, 1)):
            asking = Asking(GridParameterSampling({"--a": choice(*range(6))}), goal)
            assert asking.best() is None
            for parameters, value in zip(
                range(6), [None, 1.0, math.nan, 2.0, math.inf, -math.inf], strict=True
            ):
                asking.tell({"--a": parameters}, value)
            best = asking.best()
            assert best is not None
            assert best.parameters == {"--a": wanted}

    def test_the_last_word_counts(self) -> None:
        asking = Asking(BayesianParameterSampling(PLANE, seed=1))
        parameters = asking.ask()
        assert parameters
        asking.tell(parameters, 1)
        asking.tell(parameters, 2)
        assert asking.best() == (parameters, 2.0)
        assert len(asking.trials) == 1


class TestMistakes:
    def test_are_named(self) -> None:
        asking = Asking(RandomParameterSampling(PLANE))
        with pytest.raises(UserErrorException, match="value is 'good'"):
            asking.tell({"--x": 0, "--y": 0}, "good")  # type: ignore[arg-type]  # what is refused
        with pytest.raises(UserErrorException, match="parameters is None"):
            asking.tell(None, 1)  # type: ignore[arg-type]  # what is refused
        with pytest.raises(UserErrorException, match="'z' is no parameter of it"):
            asking.tell({"--x": 0, "--z": 0}, 1)
        with pytest.raises(UserErrorException, match="'--x' cannot be 7 in this space"):
            asking.tell({"--x": 7, "--y": 0}, 1)
        with pytest.raises(UserErrorException, match="sampling is 'random'"):
            Asking("random")  # type: ignore[arg-type]  # what is refused
        with pytest.raises(UserErrorException, match="primary_metric_goal is 'minimize'"):
            Asking(RandomParameterSampling(PLANE), "minimize")  # type: ignore[arg-type]  # what is refused
        with pytest.raises(UserErrorException, match="no end of values"):
            Asking(GridParameterSampling({"--x": normal(0, 1)}))
        assert asking.trials == []

    def test_a_package_that_is_missing_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda name: None)
        with pytest.raises(
            UserErrorException, match=r"needs optuna, which is not installed\. Install it: pip install"
        ):
            Asking(BayesianParameterSampling(PLANE))
        monkeypatch.setitem(sys.modules, "optuna", None)
        assert Asking(RandomParameterSampling(PLANE)).ask() is not None


@pytest.mark.parametrize("make", [RandomParameterSampling, SobolParameterSampling, *LEARNING])
def test_a_function_of_the_caller_may_say_what_is_tried(make: Make) -> None:
    asking = Asking(make(PLANE, seed=1, constraints=[lambda at: at["x"] + at["y"] <= 0, "x <= 4"]), MINIMIZE)
    found = tried(asking, 12)
    assert all(each["--x"] + each["--y"] <= 0 and each["--x"] <= 4 for each in found)


def test_it_is_asked_of_what_is_set_and_a_grid_passes_over_what_it_refuses() -> None:
    asked: list[dict[str, Any]] = []

    def only_even(at: dict[str, Any]) -> np.bool_:
        asked.append(at)
        return np.bool_((at["a"] + at["b"]) % 2 == 0)

    space = {"--a": choice(1, 2), "--b": choice(3, 4), "--fast": flag()}
    asking = Asking(GridParameterSampling(space, constraints=only_even))
    found = [asking.ask() for _ in range(5)]
    assert [each and (each["--a"], each["--b"]) for each in found] == [(1, 3), (1, 3), (2, 4), (2, 4), None]
    assert {"a": 1, "b": 3, "fast": False} in asked


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda at: at["nope"], "<lambda> failed for .*KeyError: 'nope'"),
        (lambda at: None, "<lambda> returned nothing. Return True or False"),
        (lambda at: False, "<lambda>"),
        (lambda at: 1 / 0, "<lambda>"),
    ],
)
@pytest.mark.parametrize("make", [RandomParameterSampling, BayesianParameterSampling])
def test_one_that_fails_or_refuses_everything_is_named(
    function: Callable[..., Any], said: str, make: Make
) -> None:
    with pytest.raises(UserErrorException, match=said):
        asking = Asking(make(PLANE, constraints=[function]))
        while asking.ask():
            pass


def test_a_server_runs_no_functions() -> None:
    sampling = RandomParameterSampling(PLANE, constraints=[lambda at: True])
    with pytest.raises(UserErrorException, match=r"<lambda> is a Python function.* as a text.*faena\.Asking"):
        HyperDriveConfig(
            sampling,
            "loss",
            MINIMIZE,
            2,
            estimator=Estimator(".", entry_script="train.py", compute_target="local"),
        )


@pytest.mark.parametrize("given", [3, [3]])
def test_what_is_no_constraint_is_named(given: Any) -> None:
    with pytest.raises(UserErrorException, match=r"is 3\. Give a"):
        RandomParameterSampling(PLANE, constraints=given)
