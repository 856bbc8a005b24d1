"""Whom the policies stop, on tables that were computed by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from faena.sweeps.policies import Decision, applies, decide
from faena.sweeps.schemas import Goal, Policy
from faena.sweeps.standings import StandingsInMemory

NAN = math.nan


def followed(policy: Policy, goal: Goal, points: Sequence[tuple[int, float]]) -> list[tuple[int, int, int]]:
    """(which point, trial, interval) of each stop."""
    standings = StandingsInMemory(policy, goal)
    return [
        (index, trial, decision.interval)
        for index, (number, value) in enumerate(points)
        for trial, decision in decide(policy, goal, standings, number, value)
    ]


def only(policy: Policy, goal: Goal, points: Sequence[tuple[int, float]]) -> Decision:
    """The one decision that the points bring."""
    standings = StandingsInMemory(policy, goal)
    (decision,) = [
        decision for number, value in points for _, decision in decide(policy, goal, standings, number, value)
    ]
    return decision


def shares(*values: float) -> list[tuple[int, float]]:
    """One value a trial, in order of their numbers."""
    return list(enumerate(values))


@pytest.mark.parametrize(
    ("interval", "delay", "looked_at"),
    [
        (1, 0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (2, 5, [6, 8, 10]),
        (5, 3, [5, 10]),
        (1, 9, [9, 10]),
        (3, 6, [6, 9]),
    ],
)
def test_a_policy_looks_at_multiples_from_its_delay_on(
    interval: int, delay: int, looked_at: list[int]
) -> None:
    policy = Policy("median", evaluation_interval=interval, delay_evaluation=delay)
    assert [n for n in range(1, 11) if applies(policy, n)] == looked_at


class TestBandit:
    # The best is 0.8: 0.8 / 1.2 = 0.6667, 0.8 - 0.2 = 0.6.
    @pytest.mark.parametrize(
        ("policy", "value", "is_stopped"),
        [
            (Policy("bandit", slack_factor=0.2), 0.66, True),
            (Policy("bandit", slack_factor=0.2), 0.67, False),
            (Policy("bandit", slack_amount=0.2), 0.59, True),
            (Policy("bandit", slack_amount=0.2), 0.6, False),  # although 0.8 - 0.2 is 0.6000000000000001
            (Policy("bandit", slack_amount=0.2), 0.6 - 1e-8, True),
            (Policy("bandit", slack_factor=0.0), 0.8, False),
            (Policy("bandit", slack_factor=0.0), 0.8 - 1e-10, False),
            (Policy("bandit", slack_factor=0.0), 0.79, True),
            (Policy("bandit", slack_amount=0.8), 0.0, False),
        ],
    )
    def test_of_a_larger_metric(self, policy: Policy, value: float, is_stopped: bool) -> None:
        assert followed(policy, "maximize", shares(0.8, value)) == ([(1, 1, 1)] if is_stopped else [])

    # The best is 0.5: 0.5 * 1.2 = 0.6, 0.5 + 0.2 = 0.7.
    @pytest.mark.parametrize(
        ("policy", "value", "is_stopped"),
        [
            (Policy("bandit", slack_factor=0.2), 0.61, True),
            (Policy("bandit", slack_factor=0.2), 0.6, False),
            (Policy("bandit", slack_amount=0.2), 0.71, True),
            (Policy("bandit", slack_amount=0.2), 0.7, False),
        ],
    )
    def test_of_a_smaller_metric(self, policy: Policy, value: float, is_stopped: bool) -> None:
        assert followed(policy, "minimize", shares(0.5, value)) == ([(1, 1, 1)] if is_stopped else [])

    def test_a_difference_that_rounding_made_stops_nobody(self) -> None:
        # 0.1 + 0.2 is 0.30000000000000004: less 0.3 that is 5.6e-17, not 0.
        assert followed(Policy("bandit", slack_amount=0.3), "maximize", shares(0.1 + 0.2, 0.0)) == []

    # By the formula the limit of a best of -1 were -1 / 1.1 = -0.909, and the best would stop itself.
    @pytest.mark.parametrize(
        ("goal", "best", "value", "is_stopped"),
        [
            ("maximize", -1.0, -1.09, False),  # -1 - 0.1 * 1 = -1.1
            ("maximize", -1.0, -1.11, True),
            ("minimize", -1.0, -0.91, False),  # -1 + 0.1 * 1 = -0.9
            ("minimize", -1.0, -0.89, True),
            ("maximize", 0.0, 0.0, False),
            ("maximize", 0.0, -1e-12, True),
            ("minimize", 0.0, 1e-12, True),
        ],
    )
    def test_a_factor_of_what_is_not_positive(
        self, goal: Goal, best: float, value: float, is_stopped: bool
    ) -> None:
        policy = Policy("bandit", slack_factor=0.1)
        assert followed(policy, goal, shares(best, value)) == ([(1, 1, 1)] if is_stopped else [])

    @pytest.mark.parametrize(
        ("policy", "goal", "best", "value", "text"),
        [
            (Policy("bandit", slack_factor=0.1), "maximize", 0.83, 0.71, "0.71 against 0.83 / 1.1"),
            (Policy("bandit", slack_factor=0.1), "minimize", 0.5, 0.6, "0.6 against 0.5 * 1.1"),
            (Policy("bandit", slack_amount=0.2), "maximize", 0.8, 0.5, "0.5 against 0.8 - 0.2"),
            (Policy("bandit", slack_amount=2), "minimize", 128, 131, "131 against 128 + 2"),
            (
                Policy("bandit", slack_factor=0.1),
                "maximize",
                -0.83,
                -0.95,
                "-0.95 against -0.83 - 0.1 * 0.83 (where the best is negative, slack_amount is clearer)",
            ),
            (
                Policy("bandit", slack_factor=0.1),
                "minimize",
                0,
                0.1,
                "0.1 against 0 (a factor leaves no slack beside a best of 0: slack_amount does)",
            ),
            (
                Policy("bandit", slack_factor=0.0),
                "maximize",
                0.8,
                0.79999999,
                "0.79999999 against 0.8 / 1",
            ),
        ],
    )
    def test_what_is_said(self, policy: Policy, goal: Goal, best: float, value: float, text: str) -> None:
        assert only(policy, goal, shares(best, value)).text == f"stopped at interval 1: {text}"

    def test_what_is_kept(self) -> None:
        decision = only(Policy("bandit", slack_factor=0.1), "maximize", shares(0.83, 0.71))
        assert (decision.policy, decision.interval) == ("bandit", 1)
        assert (decision.value, decision.reference) == (0.71, 0.83)
        assert decision.limit == pytest.approx(0.7545454545)

    def test_a_trial_is_its_best_so_far(self) -> None:
        # Trial 1 fell from 0.8 to 0.1, and stays: its best of 1..2 is 0.8, the limit 0.9 - 0.2 = 0.7.
        policy = Policy("bandit", slack_amount=0.2)
        points = [(0, 0.85), (0, 0.9), (1, 0.8), (1, 0.1)]
        assert followed(policy, "maximize", points) == []

    def test_values_of_later_intervals_do_not_count(self) -> None:
        # At interval 1 the best is 0.3: that trial 0 was at 0.9 later says nothing of a trial that has just begun.
        policy = Policy("bandit", slack_amount=0.1)
        assert followed(policy, "maximize", [(0, 0.3), (0, 0.6), (0, 0.9), (1, 0.25)]) == []
        assert followed(policy, "maximize", [(0, 0.3), (0, 0.6), (1, 0.25), (1, 0.45)]) == [(3, 1, 2)]

    def test_what_ended_early_counts_at_later_intervals(self) -> None:
        policy = Policy("bandit", slack_amount=0.1)
        standings = StandingsInMemory(policy, "maximize")
        decide(policy, "maximize", standings, 0, 0.9)
        standings.end(0)
        assert decide(policy, "maximize", standings, 1, 0.85) == []
        (trial, decision), *_ = decide(policy, "maximize", standings, 2, 0.7)
        assert (trial, decision.reference) == (2, 0.9)

    def test_the_first_trials_are_stopped_when_another_is_better(self) -> None:
        # Two at a time. Trial 0 was judged at interval 2 when it was alone. Trial 1 brings 0.9 at 2: 0.5 < 0.9 - 0.2.
        policy = Policy("bandit", slack_amount=0.2)
        points = [(0, 0.4), (0, 0.5), (1, 0.5), (1, 0.9)]
        assert followed(policy, "maximize", points) == [(3, 0, 2)]

    def test_a_new_best_at_an_earlier_interval_is_one_at_later_ones(self) -> None:
        policy = Policy("bandit", slack_amount=0.2)
        points = [(0, 0.4), (0, 0.5), (0, 0.55), (1, 0.9)]
        assert followed(policy, "maximize", points) == [(3, 0, 3)]

    def test_who_has_not_got_as_far_is_not_judged(self) -> None:
        policy = Policy("bandit", slack_amount=0.2)
        assert followed(policy, "maximize", [(0, 0.4), (1, 0.4), (1, 0.9)]) == []

    def test_who_ended_is_not_stopped(self) -> None:
        policy = Policy("bandit", slack_amount=0.2)
        standings = StandingsInMemory(policy, "maximize")
        decide(policy, "maximize", standings, 0, 0.4)
        standings.end(0)
        assert decide(policy, "maximize", standings, 1, 0.9) == []

    def test_between_intervals_nobody_is_stopped(self) -> None:
        policy = Policy("bandit", slack_amount=0.2, evaluation_interval=2)
        points = [(0, 0.9), (1, 0.1), (0, 0.9), (1, 0.2)]
        assert followed(policy, "maximize", points) == [(3, 1, 2)]

    def test_of_a_batch_the_first_interval_that_says_so(self) -> None:
        # 0.9 - 0.2 = 0.7. At 1 trial 1 is stopped; what it logged in the same batch does not count any more.
        policy = Policy("bandit", slack_amount=0.2)
        points = [(0, 0.9), (1, 0.5), (1, 0.95), (0, 0.9)]
        assert followed(policy, "maximize", points) == [(1, 1, 1)]

    def test_nan_and_infinity_are_neither_best_nor_judged(self) -> None:
        policy = Policy("bandit", slack_amount=0.2)
        assert followed(policy, "maximize", shares(math.inf, NAN, 0.1, -math.inf)) == []
        # NaN is interval 1 of trial 1, so that its 0.5 is held against 0.9 at interval 2.
        assert followed(policy, "maximize", [(0, 0.9), (1, NAN), (1, 0.5)]) == [(2, 1, 2)]


class TestMedian:
    POLICY = Policy("median", delay_evaluation=2)

    def test_of_a_larger_metric(self) -> None:
        # Means of 1..2: 1.5, 3, 4.5 for the first three, whose median is 3 when trial 2 brings a new best: trial 0
        # got to 2 < 3 at most. Trial 3: the median of 1.45, 1.5, 3, 4.5 is 2.25, and it got to 2.9. Trial 4: the
        # median of 0.7, 1.45, 1.5, 3, 4.5 is 1.5, and it got to 1.4.
        points = [(0, 1.0), (0, 2.0), (1, 2.0), (1, 4.0), (2, 3.0), (2, 6.0)]
        points += [(3, 0.0), (3, 2.9), (4, 0.0), (4, 1.4)]
        assert followed(self.POLICY, "maximize", points) == [(5, 0, 2), (9, 4, 2)]

    def test_of_a_smaller_metric(self) -> None:
        # Means of 1..2: 4, 3, 5.5. Their median is 4, and trial 2 got to 5 at least.
        points = [(0, 5.0), (0, 3.0), (1, 4.0), (1, 2.0), (2, 6.0), (2, 5.0)]
        assert followed(self.POLICY, "minimize", points) == [(5, 2, 2)]

    def test_two_others_are_needed(self) -> None:
        assert followed(Policy("median"), "maximize", shares(0.9, 0.1)) == []
        # Trial 2: the median of 0.1, 0.8, 0.9 is 0.8.
        assert followed(Policy("median"), "maximize", shares(0.9, 0.8, 0.1)) == [(2, 2, 1)]

    def test_nan_counts_in_no_mean(self) -> None:
        # Means: trial 0 of (NaN, 4) is 4; trial 1 of (2, inf) is 2; trial 2 of (3, 1) is 2, and it got to 3. Median 2.
        points = [(0, NAN), (0, 4.0), (1, 2.0), (1, math.inf), (2, 3.0), (2, 1.0)]
        assert followed(self.POLICY, "maximize", points) == []
        # Trial 3 of (1, 1): the median of 1, 2, 2, 4 is 2.
        assert followed(self.POLICY, "maximize", [*points, (3, 1.0), (3, 1.0)]) == [(7, 3, 2)]

    def test_nothing_finite_is_the_worst_and_no_mean(self) -> None:
        decision = only(Policy("median"), "maximize", shares(0.9, 0.8, NAN))
        assert decision.text == (
            "stopped at interval 1: no finite value against 0.85, the median of the means of 2 trials"
        )
        assert followed(Policy("median"), "maximize", shares(NAN, 0.9, 0.8)) == []

    def test_what_is_said(self) -> None:
        decision = only(Policy("median"), "minimize", shares(1.25, 1.5, 2.0))
        assert decision == Decision(
            "median",
            1,
            2.0,
            1.5,
            1.5,
            "stopped at interval 1: 2 against 1.5, the median of the means of 3 trials",
        )


class TestTruncation:
    POLICY = Policy("truncation", truncation_percentage=20)

    @pytest.mark.parametrize(("goal", "sign"), [("maximize", 1), ("minimize", -1)])
    def test_the_worst_share_of_those_that_reached_an_interval(self, goal: Goal, sign: int) -> None:
        # floor(n * 20 %) is 0 up to four trials, and 1 from five on.
        better = [sign * value for value in (0.9, 0.8, 0.7, 0.6)]
        assert followed(self.POLICY, goal, shares(*better, sign * 0.5)) == [(4, 4, 1)]
        assert followed(self.POLICY, goal, shares(*better, sign * 0.65)) == []

    def test_a_new_best_has_the_worst_stopped(self) -> None:
        # Trial 4 is not the worst of five, and trial 2 is not looked at again until trial 5 brings a new best.
        assert followed(self.POLICY, "maximize", shares(0.9, 0.8, 0.5, 0.7, 0.6, 0.95)) == [(5, 2, 1)]

    def test_of_equals_the_higher_number_is_stopped(self) -> None:
        policy = Policy("truncation", truncation_percentage=50)
        assert followed(policy, "minimize", [(0, 0.5), (1, 0.5)]) == [(1, 1, 1)]
        assert followed(policy, "minimize", [(1, 0.5), (0, 0.5)]) == []

    def test_nothing_finite_is_the_worst(self) -> None:
        policy = Policy("truncation", truncation_percentage=50)
        assert followed(policy, "minimize", [(0, 1e300), (1, NAN)]) == [(1, 1, 1)]

    def test_finished_ones_count_unless_told_not_to(self) -> None:
        for exclude, stops in ((False, [2]), (True, [])):
            policy = Policy("truncation", truncation_percentage=34, exclude_finished=exclude)
            standings = StandingsInMemory(policy, "maximize")
            decide(policy, "maximize", standings, 0, 0.9)
            decide(policy, "maximize", standings, 1, 0.8)
            standings.end(0)
            # floor(3 * 34 %) = 1, floor(2 * 34 %) = 0
            assert [trial for trial, _ in decide(policy, "maximize", standings, 2, 0.7)] == stops

    def test_what_is_said(self) -> None:
        decision = only(self.POLICY, "maximize", shares(0.9, 0.8, 0.75, 0.7, 0.6))
        assert (decision.value, decision.limit) == (0.6, 0.7)
        assert decision.text == (
            "stopped at interval 1: 0.6 against 0.7, the 4th best of 5 trials that reached it"
            " (the worst 20 % are stopped)"
        )


class TestAsha:
    POLICY = Policy("asha", reduction_factor=3, min_interval=1)

    def test_rungs(self) -> None:
        assert [n for n in range(1, 100) if applies(self.POLICY, n)] == [1, 3, 9, 27, 81]
        policy = Policy("asha", reduction_factor=2, min_interval=5, max_interval=40)
        assert [n for n in range(1, 100) if applies(policy, n)] == [5, 10, 20]

    @pytest.mark.parametrize(("goal", "sign"), [("maximize", 1), ("minimize", -1)])
    def test_one_of_three_goes_on(self, goal: Goal, sign: int) -> None:
        # max(1, n // 3) go on: 0.5 alone; 0.4 not beside 0.5; 0.6 is a new best, by which 0.5 is stopped; 0.55 and 0.3
        # are not the best; of six the best two go on, 0.6 and 0.58.
        points = shares(*(sign * value for value in (0.5, 0.4, 0.6, 0.55, 0.3, 0.58)))
        assert followed(self.POLICY, goal, points) == [(1, 1, 1), (2, 0, 1), (3, 3, 1), (4, 4, 1)]

    def test_equals_go_on(self) -> None:
        assert followed(self.POLICY, "maximize", shares(0.5, 0.5, 0.5)) == []

    def test_nothing_finite_does_not_go_on_beside_something(self) -> None:
        assert followed(self.POLICY, "maximize", shares(NAN, NAN)) == []
        assert followed(self.POLICY, "maximize", shares(0.5, NAN)) == [(1, 1, 1)]

    def test_what_is_said(self) -> None:
        text = "0.4 against 0.5, the best of 2 trials that reached it (one of 3 goes on)"
        assert only(self.POLICY, "maximize", shares(0.5, 0.4)).text == f"stopped at interval 1: {text}"


class TestHyperband:
    # 9 = 3^2: three brackets of ceil(3/3 * 9) = 9, ceil(3/2 * 3) = 5 and ceil(3/1 * 1) = 3 trials.
    POLICY = Policy("hyperband", reduction_factor=3, max_interval=9)

    @pytest.mark.parametrize(
        ("number", "looked_at"),
        [(0, [1, 3]), (8, [1, 3]), (9, [3]), (13, [3]), (14, []), (16, []), (17, [1, 3]), (26, [3])],
    )
    def test_brackets_by_number(self, number: int, looked_at: list[int]) -> None:
        assert [n for n in range(1, 30) if applies(self.POLICY, n, number)] == looked_at

    def test_brackets_are_apart(self) -> None:
        points = [(0, 0.9), (0, 0.9), (0, 0.9), (9, 0.1), (9, 0.2), (9, 0.5), (10, 0.3), (10, 0.4), (10, 0.4)]
        assert followed(self.POLICY, "maximize", points) == [(8, 10, 3)]
        text = "0.4 against 0.5, the best of 2 trials that reached it in bracket 1 (one of 3 goes on)"
        assert only(self.POLICY, "maximize", points).text == f"stopped at interval 3: {text}"


def test_none_stops_nobody() -> None:
    assert followed(Policy(), "maximize", shares(0.9, 0.1, NAN)) == []


@pytest.mark.parametrize("policy", [Policy(stop_on_nan=True), Policy("median", 5, 5, stop_on_nan=True)])
def test_a_value_that_is_no_number_stops_its_trial_when_asked(policy: Policy) -> None:
    for value, shown in ((NAN, "nan"), (-math.inf, "-inf")):
        decision = only(policy, "maximize", [(0, 0.5), (0, 0.6), (0, value), (0, value), (1, 0.1)])
        assert decision == Decision(
            "stop_on_nan", 3, None, None, None, f"stopped at interval 3: it logged {shown}"
        )


def followed_by_step(
    policy: Policy, goal: Goal, points: Sequence[tuple[int, float, int | None]]
) -> list[tuple[int, int, int]]:
    """(which point, trial, step) of each stop. A point is a trial, a value and its step."""
    standings = StandingsInMemory(policy, goal)
    return [
        (index, trial, decision.interval)
        for index, (number, value, step) in enumerate(points)
        for trial, decision in decide(policy, goal, standings, number, value, step)
    ]


def turned(points: Sequence[tuple[int, float, int | None]]) -> list[tuple[int, float, int | None]]:
    return [(number, -value, step) for number, value, step in points]


class TestSteps:
    """Intervals are the steps of the values; both goals, the one by the negatives of the other."""

    BANDIT = Policy("bandit", slack_amount=0.2, evaluation_interval=10, interval="step")

    @pytest.mark.parametrize("goal", ["maximize", "minimize"])
    @pytest.mark.parametrize(
        ("points", "stops"),
        [
            # Trial 0 logs every 10 steps, trial 1 every 5: at step 10 it is 0.5 against 0.8, by its second value.
            ([(0, 0.8, 10), (1, 0.4, 5), (1, 0.5, 10)], [(2, 1, 10)]),
            # Values count intervals otherwise: the second value of trial 1 would stand beside the second of trial 0.
            ([(0, 0.6, 10), (0, 0.9, 20), (1, 0.45, 5), (1, 0.5, 10)], []),
            # Trial 1 logs every 7: past step 10 it is what it was at 7, 0.5, and not the 0.9 of step 14.
            ([(0, 0.8, 10), (1, 0.5, 7), (1, 0.9, 14)], [(2, 1, 10)]),
            ([(0, 0.8, 10), (1, 0.7, 7), (1, 0.1, 14)], []),
            # Of several that were passed the last one counts: at 30 the best is 0.9.
            ([(0, 0.6, 10), (0, 0.9, 30), (1, 0.5, 7), (1, 0.95, 35)], [(3, 1, 30)]),
            # Nothing was logged until step 10: nothing is said of it.
            ([(0, 0.8, 10), (1, 0.1, 14)], []),
            # A value of an earlier step, or without one, counts from where the trial is: 0.7 at 10.
            ([(1, 0.1, 8), (1, 0.1, 12), (1, 0.7, 3), (1, 0.7, None), (0, 0.8, 20), (1, 0.1, 20)], []),
            # The first trial is judged again at the step where it is when another brings a better value there.
            ([(0, 0.5, 10), (1, 0.9, 10)], [(1, 0, 10)]),
            ([(0, 0.5, 10), (0, 0.5, 13), (1, 0.9, 10)], []),
            # Step 0 is before the first interval.
            ([(0, 0.9, 0), (1, 0.1, 0)], []),
            # A value again at the same step, which is no step back.
            ([(0, 0.8, 10), (1, 0.65, 10), (0, 0.9, 10)], [(2, 1, 10)]),
        ],
    )
    def test_bandit(
        self, goal: Goal, points: list[tuple[int, float, int | None]], stops: list[tuple[int, int, int]]
    ) -> None:
        given = points if goal == "maximize" else turned(points)
        assert followed_by_step(self.BANDIT, goal, given) == stops

    def test_a_delay_is_a_step(self) -> None:
        policy = Policy(
            "bandit", slack_amount=0.2, evaluation_interval=10, delay_evaluation=15, interval="step"
        )
        points: list[tuple[int, float, int | None]] = [(0, 0.8, 10), (0, 0.8, 20), (1, 0.1, 10), (1, 0.1, 22)]
        assert followed_by_step(policy, "maximize", points) == [(3, 1, 20)]

    @pytest.mark.parametrize("goal", ["maximize", "minimize"])
    def test_median(self, goal: Goal) -> None:
        # Means until step 10: trial 0 (0.6 + 0.8) / 2 = 0.7, trial 1 0.9, trial 2 0.5: the median is 0.7, and trial 2
        # is at 0.5. Its 0.95 of step 12 comes after.
        policy = Policy("median", evaluation_interval=10, interval="step")
        points: list[tuple[int, float, int | None]] = [
            (0, 0.6, 5), (0, 0.8, 10), (1, 0.9, 9), (1, 0.1, 11), (2, 0.5, 4), (2, 0.95, 12)
        ]  # fmt: skip
        given = points if goal == "maximize" else turned(points)
        assert followed_by_step(policy, goal, given) == [(5, 2, 10)]

    @pytest.mark.parametrize("goal", ["maximize", "minimize"])
    def test_truncation(self, goal: Goal) -> None:
        # Four trials at step 10, of which the worst quarter is one: the last one, at 0.2.
        policy = Policy("truncation", truncation_percentage=25, evaluation_interval=10, interval="step")
        points: list[tuple[int, float, int | None]] = [
            (0, 0.6, 10), (1, 0.5, 6), (1, 0.5, 13), (2, 0.4, 10), (3, 0.2, 5), (3, 0.9, 15)
        ]  # fmt: skip
        given = points if goal == "maximize" else turned(points)
        assert followed_by_step(policy, goal, given) == [(5, 3, 10)]

    @pytest.mark.parametrize("goal", ["maximize", "minimize"])
    def test_asha(self, goal: Goal) -> None:
        # Rungs 4, 8, 16. Trial 1 passes 4 with 0.3 of step 3, against 0.5. Trial 2 passes 4 and 8: at 8 it is alone.
        policy = Policy("asha", min_interval=4, reduction_factor=2, interval="step")
        points: list[tuple[int, float, int | None]] = [
            (0, 0.5, 4), (1, 0.3, 3), (1, 0.9, 5), (2, 0.1, 2), (2, 0.1, 9)
        ]  # fmt: skip
        given = points if goal == "maximize" else turned(points)
        assert followed_by_step(policy, goal, given) == [(2, 1, 4)]

    def test_a_value_that_is_no_number_stops_at_once(self) -> None:
        policy = Policy(stop_on_nan=True, interval="step")
        assert followed_by_step(policy, "maximize", [(0, 0.5, 7), (0, NAN, 9)]) == [(1, 0, 9)]

    def test_what_is_said(self) -> None:
        standings = StandingsInMemory(self.BANDIT, "maximize")
        decide(self.BANDIT, "maximize", standings, 0, 0.8, 10)
        [(_, decision)] = decide(self.BANDIT, "maximize", standings, 1, 0.5, 10)
        assert decision.text == "stopped at step 10: 0.5 against 0.8 - 0.2"

    def test_a_step_beyond_all_bounds_is_the_last_one(self) -> None:
        policy = Policy("bandit", slack_amount=0.2, evaluation_interval=1, interval="step")
        points: list[tuple[int, float, int | None]] = [(0, 0.8, 2**62), (1, 0.1, 2**63 - 1)]
        assert followed_by_step(policy, "maximize", points) == [(1, 1, 2**53)]
