"""When runs that wait may start: a guess that says where there is none."""

from __future__ import annotations

import pytest

from faena.kernel import durations
from faena.runs.waiting_line import forecasting
from faena.runs.waiting_line.forecasting import Occupied, Wish


def test_a_free_node_is_had_at_once_and_the_next_when_it_is_given_back() -> None:
    assert forecasting.starts(1, [], [Wish(1, 10), Wish(1, 5), Wish(1, None)]) == [0, 10, 15]
    assert forecasting.starts(2, [Occupied(1, 30)], [Wish(1, 100), Wish(1, 5), Wish(2, 1)]) == [0, 30, 100]


def test_one_that_wants_many_nodes_waits_for_all_of_them_and_nobody_overtakes_it() -> None:
    assert forecasting.starts(2, [Occupied(1, 40)], [Wish(2, 10), Wish(1, 5)]) == [40, 50]


def test_what_hangs_on_a_run_of_unknown_length_is_not_guessed() -> None:
    assert forecasting.starts(1, [Occupied(1, None)], [Wish(1, 10)]) == [None]
    assert forecasting.starts(2, [Occupied(1, None)], [Wish(1, 10), Wish(1, None), Wish(1, 1)]) == [
        0,
        10,
        None,
    ]
    assert forecasting.starts(4, [Occupied(3, None)], [Wish(2, 1), Wish(1, 1)]) == [None, None]
    assert forecasting.starts(0, [], [Wish(1, 1)]) == [None], "a cluster whose machines are not there"


def test_lengths_of_like_runs_tell() -> None:
    assert forecasting.takes([10.0, 30.0, 20.0]) == 20
    assert forecasting.takes([10.0]) is None
    assert forecasting.left([10.0, 30.0, 50.0], 20.0) == 20, "as the longer ones: 10 and 30 more"
    assert forecasting.left([10.0, 30.0], 40.0) is None, "none took as long"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "now"), (4.9, "now"), (40, "in 40 s"), (100, "in 2 m"), (7000, "in 2 h"), (200_000, "in 2 d")],
)
def test_a_guess_is_told_in_one_number(seconds: float, told: str) -> None:
    assert durations.until(round(seconds * 1e6)) == told
