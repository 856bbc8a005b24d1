"""A writer's clock that is put back while it logs: its points keep their order, and the last is the last."""

from __future__ import annotations

import random

import numpy as np
import pytest

from faena.tracking import chart
from faena.tracking.writer_clock import WriterClock
from tests.tracking import frames
from tests.tracking.workspace import RUN, TrackedWorkspace, log, spool

SECOND = 1_000_000


def one_by_one(times: list[int]) -> list[int]:
    """The rule, spelled out: a clock that was put back runs on from where it was, until it has caught up."""
    shown: list[int] = []
    behind = 0
    for place, time in enumerate(times):
        step = time - times[place - 1] if place else 0
        if step < 0:
            behind -= step
        elif step >= behind:
            behind = 0
        shown.append(time + behind)
    return shown


@pytest.mark.parametrize("seed", range(30))
def test_however_batches_are_cut(seed: int) -> None:
    chance = random.Random(seed)
    times, now = [], 1000
    for _ in range(chance.randint(1, 200)):
        now += chance.choice([0, 1, 1, 1, 5, 30, -1, -7, -40]) if seed % 3 else chance.randint(-50, 50)
        times.append(now)
    clock, shown, start = WriterClock(), [], 0
    while start < len(times):
        stop = start + chance.randint(1, 40)
        part, clock = clock.continued(np.array(times[start:stop], np.int64))
        shown += part.tolist()
        start = stop
    assert shown == one_by_one(times)
    assert shown == sorted(shown)


def test_a_clock_that_only_grows_is_left_alone() -> None:
    times = np.array([5, 5, 7, 2**50], np.int64)
    shown, clock = WriterClock(4, 0).continued(times)
    assert shown is times
    assert clock == WriterClock(2**50)


def test_times_that_are_nobodys_are_left_alone() -> None:
    times = np.array([2**63 - 1, -(2**63), 0], np.int64)
    shown, clock = WriterClock(7, 3).continued(times)
    assert (shown.tolist(), clock) == (times.tolist(), WriterClock(7, 3))


@pytest.mark.parametrize("together", [True, False])
def test_points_keep_their_order(workspace: TrackedWorkspace, together: bool) -> None:
    hour = 3600 * SECOND
    times = [hour + second * SECOND for second in range(5)] + [second * SECOND for second in range(6)]
    points = [frames.number(float(n), 0, time=time, step=n) for n, time in enumerate(times)]
    parts = [frames.name(0, "loss"), *points]
    for part in [b"".join(parts)] if together else parts:
        workspace.send(spool(), part)
    values = [float(n) for n in range(len(times))]
    for _ in range(2):
        assert workspace.metrics() == {"loss": values}
        summary = workspace.summaries()["loss"]
        assert (summary.last, summary.last_step, summary.count) == (10.0, 10, 11)
        assert summary.last_time - summary.first_time == 9 * SECOND, "it took nine seconds by either clock"
        series = workspace.series("loss")
        assert series.value.tolist() == values
        drawn = workspace.read(lambda read: chart.chart(read, workspace.objects, RUN, "loss", axis="time"))
        assert (drawn.y, drawn.last) == (values, 10.0)
        assert drawn.x == sorted(drawn.x)
        workspace.seal()


def test_text_and_numbers_of_one_writer_keep_their_order(workspace: TrackedWorkspace) -> None:
    workspace.send(
        spool(),
        frames.name(0, "x"),
        frames.number(1, 0, time=9 * SECOND),
        frames.event("scalar", time=2 * SECOND, name="x", value="two"),
        frames.event("list", time=3 * SECOND, name="x", values=[3, 4]),
        frames.number(5, 0, time=4 * SECOND),
    )
    assert workspace.metrics() == {"x": [1, "two", 3, 4, 5]}


def test_writers_are_still_merged_by_time(workspace: TrackedWorkspace) -> None:
    for writer, first in (("7-aaaaaaaa", 0), ("8-bbbbbbbb", 1)):
        points = [frames.number(n, 0, time=n * SECOND) for n in range(first, 10, 2)]
        workspace.send(spool(writer), frames.name(0, "x"), *points)
    assert workspace.metrics() == {"x": list(range(10))}


def test_what_cannot_be_read_is_counted_over_all_batches(workspace: TrackedWorkspace) -> None:
    whole = frames.name(0, "x") + frames.number(1.0, 0, time=1)
    answers = [workspace.send(spool(), whole, b"\x01" * 57, whole) for _ in range(2)]
    told = [event.data["message"] for answer in answers for event in answer.events]
    assert ["57 bytes" in told[0], "114 bytes" in told[1]] == [True, True]
    assert workspace.send(log(), b"\x01\x02").events == ()
