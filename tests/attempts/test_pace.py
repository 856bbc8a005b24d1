"""When batches are sent: seldom while nobody watches, soon while somebody does, never before they may be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faena.attempts.api import Shipped
from faena.attempts.pace import Pace
from faena.testing.clock import ManualClock

NOBODY, LOG, POINTS = (
    Shipped({}, False, False),
    Shipped({}, False, True),
    Shipped({}, False, True, points=True),
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    made = ManualClock()
    monkeypatch.setattr("faena.attempts.pace.time.monotonic", made.monotonic)
    return made


def first_after(clock: ManualClock, heard: Shipped, *, points: bool) -> float:
    """Seconds after a batch and its answer until the next one may be sent, looking when the pace says so."""
    paced = Pace(watched=False)
    paced.begin()
    clock.advance(2.0)
    paced.told_start = True
    paced.sends_points()
    paced.sent()
    paced.hears(heard)
    began = clock.monotonic()
    while True:
        clock.advance(paced.pause())
        now = clock.monotonic()
        if paced.batch_is_due(now) and (not points or paced.points_are_due(now)):
            return round(now - began, 3)


@pytest.mark.parametrize(
    ("heard", "lines", "points"), [(NOBODY, 2.0, 2.0), (LOG, 0.28, 2.0), (POINTS, 0.28, 0.28)]
)
def test_between_batches(clock: ManualClock, heard: Shipped, lines: float, points: float) -> None:
    assert first_after(clock, heard, points=False) == pytest.approx(lines, abs=0.06)
    assert first_after(clock, heard, points=True) == pytest.approx(points, abs=0.06)


def test_a_server_with_many_nodes_hears_of_each_less_often_while_nobody_watches(clock: ManualClock) -> None:
    assert first_after(clock, replace(NOBODY, pace=5.0), points=True) == pytest.approx(5.0, abs=0.06)
    assert first_after(clock, replace(POINTS, pace=5.0), points=True) == pytest.approx(0.28, abs=0.06)


def test_a_word_of_the_server_makes_what_is_there_due_and_the_next_beat_later(clock: ManualClock) -> None:
    paced = Pace(watched=False)
    paced.begin()
    paced.told_start = True
    clock.advance(1.5)
    paced.sends_points()
    paced.sent()
    clock.advance(0.5)
    paced.hears(POINTS)
    now = clock.monotonic()
    assert paced.batch_is_due(now) and paced.points_are_due(now)
    clock.advance(1.6)
    assert not paced.beat_is_due(clock.monotonic())
    clock.advance(0.5)
    assert paced.beat_is_due(clock.monotonic())


def test_ranks_of_a_large_run_do_not_all_tell_at_once_that_they_started(clock: ManualClock) -> None:
    def after(rank: int, node_count: int) -> float:
        paced, began = Pace(watched=True, rank=rank, node_count=node_count), clock.monotonic()
        paced.begin()
        while not paced.start_is_due(clock.monotonic()):
            clock.advance(0.01)
        return clock.monotonic() - began

    assert after(0, 1000) == pytest.approx(0.25, abs=0.02), "the run is said to run"
    assert after(1, 2) == pytest.approx(0.25, abs=0.03)
    others = [after(rank, 1000) for rank in range(1, 51)]
    assert min(others) < 0.75 and 1.75 < max(others) < 2.27
