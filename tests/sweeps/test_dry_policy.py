"""What another policy would have saved, on trials whose values and times a test has written down."""

from __future__ import annotations

from array import array

import pytest

from faena.client.sweeps.dry_policy import DryPolicy, Part, replayed
from faena.client.sweeps.logged import NO_STEP, Logged
from faena.kernel.errors import UserErrorException
from faena.sweeps.schemas import Objective, Policy

ACCURACY = Objective("Accuracy", "maximize")
BANDIT = Policy("bandit", slack_amount=0.1)
SECOND = 1_000_000


def part(
    number: int,
    values: list[float],
    *,
    start: int = 0,
    ended: int | None = -1,
    steps: list[int] | None = None,
) -> Part:
    """One value a second, from a second after `start`; it ends half a second after its last one."""
    times = [(start + 1 + place) * SECOND for place in range(len(values))]
    end = (times[-1] if times else start * SECOND) + SECOND // 2 if ended == -1 else ended
    known = array("q", [NO_STEP] * len(values) if steps is None else steps)
    return Part(number, Logged(array("q", times), array("d", values), known), start * SECOND, end)


def test_who_falls_behind_would_have_saved_the_rest_of_its_time() -> None:
    found = replayed(
        BANDIT, ACCURACY, [part(0, [0.5, 0.6, 0.9]), part(1, [0.45, 0.4, 0.5]), part(2, [0.1, 0.1, 0.1])]
    )
    assert [(stop.number, stop.decision.interval, stop.saved) for stop in found.stops] == [
        (2, 1, 2),
        (1, 2, 1),
    ][::1]
    assert found.seconds == pytest.approx(10.5)
    assert found.seconds_saved == pytest.approx(2.5 + 1.5)
    assert str(found) == (
        "It would have stopped 2 of 3 trials and saved at least 3 of 9 intervals, 4 s of the 10.5 s that the trials "
        "took; the best, 0.9, would have been kept."
    )


def test_a_best_that_would_have_been_lost_is_told() -> None:
    found = replayed(BANDIT, ACCURACY, [part(0, [0.5, 0.6]), part(1, [0.1, 0.95])])
    assert found.text.endswith("; the best would have been 0.6 and not 0.95.")


def test_who_had_ended_when_a_better_one_came_is_not_stopped() -> None:
    found = replayed(BANDIT, ACCURACY, [part(0, [0.1]), part(1, [0.9], start=5)])
    assert found.stops == ()
    assert found.text == "It would have stopped none of 2 trials; the best, 0.9, would have been kept."
    running = replayed(BANDIT, ACCURACY, [part(0, [0.1], ended=None), part(1, [0.9], start=5)])
    assert [stop.number for stop in running.stops] == [0]
    assert running.seconds_saved == 0, "how long it would still run is not known"


def test_a_trial_that_went_again_begins_at_its_first_interval() -> None:
    first, second = part(1, [0.1], start=0), part(1, [0.88, 0.9], start=3)
    found = replayed(
        Policy("bandit", slack_amount=0.1, delay_evaluation=2), ACCURACY, [part(0, [0.8, 0.9]), first, second]
    )
    assert found.stops == ()
    assert found.trials == 2
    assert found.replay.intervals == 5


@pytest.mark.parametrize("values", [[], [float("nan"), float("inf")]])
def test_without_a_finite_value_there_is_nothing_to_say(values: list[float]) -> None:
    found = replayed(BANDIT, ACCURACY, [part(0, values)])
    assert found.text == "No trial has logged a finite value of Accuracy yet: there is nothing to stop by."


def test_no_trials() -> None:
    assert isinstance(replayed(BANDIT, ACCURACY, []), DryPolicy)


BY_STEP = Policy("bandit", slack_amount=0.1, evaluation_interval=10, interval="step")


def test_trials_that_logged_at_other_steps_are_compared_at_equal_ones() -> None:
    # At step 10 the first has 0.5 and the second 0.45, its value of step 7; 0.1 at step 14 comes after.
    found = replayed(
        BY_STEP,
        ACCURACY,
        [part(0, [0.3, 0.5, 0.9], steps=[5, 10, 20]), part(1, [0.45, 0.1, 0.1], start=4, steps=[7, 14, 21])],
    )
    assert [(stop.number, stop.decision.text) for stop in found.stops] == [
        (1, "stopped at step 20: 0.45 against 0.9 - 0.1")
    ]


def test_values_without_a_step_cannot_be_compared_by_it() -> None:
    with pytest.raises(UserErrorException, match=r"Trial 1 logged 'Accuracy' without a step"):
        replayed(BY_STEP, ACCURACY, [part(0, [0.5], steps=[1]), part(1, [0.5])])
    assert replayed(BY_STEP, ACCURACY, [part(0, []), part(1, [0.5, 0.6], steps=[1, NO_STEP])]).stops == ()
