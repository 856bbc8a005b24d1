"""When a sweep ends before all its trials."""

from __future__ import annotations

import math
from functools import reduce

import pytest

from faena.sweeps.endings import Failure, Streak, at_target, fail_alike, none_completed, without_improvement
from faena.sweeps.schemas import Goal, Objective

ACCURACY = Objective("accuracy", "maximize")
LOSS = Objective("loss", "minimize")


@pytest.mark.parametrize(
    ("objective", "value", "is_reached"),
    [
        (ACCURACY, 0.9, True),
        (ACCURACY, 1 - 0.1 - 1e-10, True),  # as near as rounding
        (ACCURACY, 0.95, True),
        (ACCURACY, 0.89, False),
        (ACCURACY, None, False),
        (ACCURACY, math.nan, False),
        (ACCURACY, math.inf, False),
        (LOSS, 0.9, True),
        (LOSS, 0.1, True),
        (LOSS, 0.91, False),
        (LOSS, -math.inf, False),
    ],
)
def test_a_value_that_was_wanted(objective: Objective, value: float | None, is_reached: bool) -> None:
    assert (at_target(objective, 0.9, 7, value) is not None) is is_reached


def test_words_of_a_value_that_was_wanted() -> None:
    assert at_target(LOSS, 0.1, 7, 0.0912) == "trial 7 reached loss 0.0912, and 0.1 was wanted"


def streak(goal: Goal, *values: float | None) -> Streak:
    return reduce(lambda so_far, value: so_far.after(goal, value), values, Streak())


def test_trials_in_a_row_without_a_better_value() -> None:
    # 0.5, 0.7 and 0.8 improve, 0.6, 0.8, none and NaN do not.
    assert streak("maximize", 0.5, 0.7, 0.6) == Streak(0.7, 1)
    assert streak("maximize", 0.5, 0.7, 0.6, 0.8) == Streak(0.8, 0)
    assert streak("maximize", 0.8, 0.8, None, math.nan, math.inf) == Streak(0.8, 4)
    assert streak("minimize", 0.8, 0.7, 0.9) == Streak(0.7, 1)
    assert streak("minimize", math.nan, None) == Streak(None, 2)


def test_a_sweep_that_gets_no_further_ends() -> None:
    behind = streak("maximize", 0.8, 0.7, 0.6)
    assert without_improvement(ACCURACY, 3, behind) is None
    assert without_improvement(ACCURACY, 2, behind) == "2 trials in a row brought no better accuracy than 0.8"
    assert without_improvement(ACCURACY, 2, behind, [None, 0.79]) is not None
    assert without_improvement(ACCURACY, 2, behind, [None, 0.81]) is None
    assert without_improvement(ACCURACY, 2, Streak(None, 2)) == (
        "2 trials in a row brought no value of accuracy"
    )


MISSING = "ModuleNotFoundError: No module named 'chainer'"


def failed(number: int, line: str = MISSING, reason: str = "exit_code") -> Failure:
    return Failure(f"sweep_{number}", reason, line)


def test_first_trials_that_fail_alike() -> None:
    said = f"the first 3 trials failed alike (exit_code): {MISSING}"
    assert fail_alike([failed(0), failed(1), failed(2)]) == said
    assert fail_alike([failed(0), failed(1), failed(2, f"{MISSING}\n"), None]) == said
    assert (
        fail_alike([failed(number, "") for number in range(3)])
        == "the first 3 trials failed alike (exit_code)"
    )


def test_first_trials_that_do_not() -> None:
    assert fail_alike([failed(0), failed(1)]) is None
    assert fail_alike([failed(0), None, failed(1), failed(2)]) is None
    assert fail_alike([failed(0), failed(1), failed(2, "ValueError: lr")]) is None
    assert fail_alike([failed(0), failed(1), failed(2, reason="out_of_memory")]) is None
    assert fail_alike([None, None, None]) is None


def test_a_lost_node_says_nothing_of_the_script() -> None:
    lost = failed(0, "", "node_lost")
    assert fail_alike([lost, lost, lost, lost]) is None
    assert fail_alike([failed(0), lost, failed(1), failed(2)]) is not None


def test_what_differs_from_run_to_run_makes_no_difference() -> None:
    lines = [f"OSError: /runs/sweep_{n}/data.npz of <Set at 0x7f12a4{n}c0> is missing" for n in range(3)]
    ended = [failed(n, line) for n, line in enumerate(lines)]
    assert fail_alike(ended) == f"the first 3 trials failed alike (exit_code): {lines[0]}"


def test_nor_do_the_values_of_arguments_that_a_script_does_not_take() -> None:
    for form in (
        "train.py: error: unrecognized arguments: --batch-size {n} --lr=0.{n}",
        "train.py: error: argument --units: invalid int value: '{n}.5'",
    ):
        lines = [form.format(n=n) for n in range(3)]
        ended = [failed(n, line) for n, line in enumerate(lines)]
        assert fail_alike(ended) == f"the first 3 trials failed alike (exit_code): {lines[0]}"
    others = ["error: unrecognized arguments: --a 1", "error: unrecognized arguments: --b 1", "ValueError: 3"]
    for line in others[1:]:
        assert fail_alike([failed(0, others[0]), failed(1, others[0]), failed(2, line)]) is None


def test_words_of_a_sweep_of_whose_trials_none_completed() -> None:
    assert none_completed(3, 0, failed(0)) == f"All of its 3 trials failed, the first with: {MISSING}"
    assert none_completed(1, 0, failed(0)) == f"Its only trial failed with: {MISSING}"
    assert none_completed(2, 0, failed(0, "")) == "All of its 2 trials failed."
    assert none_completed(1, 2, failed(0)) == f"None of its trials completed: 1 failed with: {MISSING}"
    assert len(none_completed(2, 0, failed(0, "x" * 10_000))) < 400


def test_a_long_line_is_cut() -> None:
    said = fail_alike([failed(n, "ValueError: " + "x" * 10_000) for n in range(3)])
    assert said is not None
    assert len(said) < 400
