"""How a run spent its time, as a page and a notebook draw it."""

from __future__ import annotations

from faena.runs.phase_timeline import PhaseTimeline, phase_timeline
from faena.runs.schemas import AttemptView, PhaseView
from tests.notebook.made_views import NOW, made_run

SECOND = 1_000_000


def shown(
    *phases: tuple[str, int, float, float | None], seconds: float = 100, **changes: object
) -> PhaseTimeline:
    """`phases`: name, attempt, when it began and ended."""
    views = [
        PhaseView(name, attempt, NOW + int(begin * SECOND), None if end is None else NOW + int(end * SECOND))
        for name, attempt, begin, end in phases
    ]
    run = made_run("run", phases=views, **{"blocker": None, **changes})
    return phase_timeline(run, NOW + int(seconds * SECOND))


def test_attempts_stand_one_above_the_other_on_one_axis() -> None:
    found = shown(
        ("Preparing", 1, 0, 10),
        ("Running", 1, 10, 40),
        ("Queued", 2, 40, 60),
        ("Running", 2, 60, None),
        attempts=[AttemptView(1, reason="exit_code", exit_code=1), AttemptView(2)],
    )
    assert [lane.label for lane in found.lanes] == ["Attempt 1: 40.0 s, exit code 1", "Attempt 2: 1 m 00 s"]
    assert [(bar.name, bar.x, bar.width) for lane in found.lanes for bar in lane.bars] == [
        ("Preparing", 0, 10),
        ("Running", 10, 30),
        ("Queued", 40, 20),
        ("Running", 60, 40),
    ]
    first, second = found.lanes
    assert second.y >= first.y + 2 * found.bar, "a label has room between"
    assert [(each.name, each.seconds, each.goes_on) for each in found.legend] == [
        ("Preparing", 10, False),
        ("Running", 70, True),
        ("Queued", 20, False),
    ]
    assert found.said.startswith(
        "Attempt 1: 40.0 s, exit code 1: Preparing 10.0 s, Running 30.0 s. Attempt 2"
    )
    assert [tick.text for tick in found.ticks] == ["0 s", "30 s", "1 min", "1 m 30 s"]


def test_what_a_run_waits_for_is_said_of_the_phase_that_goes_on() -> None:
    found = shown(("Preparing", 1, 0, 10), ("Queued", 1, 10, None), blocker="2 GPUs, and 1 is free")
    preparing, queued = found.legend
    assert (preparing.blocker, queued.blocker) == ("", "2 GPUs, and 1 is free")
    assert found.lanes[0].bars[1].text == "Queued 1 m 30 s until now, waits: 2 GPUs, and 1 is free"
    assert found.lanes[0].label == "", "there is one attempt"
    ended = shown(("Queued", 1, 0, None), blocker="2 GPUs", ended_at=NOW + SECOND)
    assert ended.legend[0].blocker == ""


def test_what_came_before_the_first_attempt_stands_in_its_lane() -> None:
    found = shown(("Queued", 0, 0, 10), ("Running", 1, 10, None))
    assert [(lane.label, len(lane.bars)) for lane in found.lanes] == [("", 2)]


def test_any_times_are_drawn() -> None:
    assert shown().lanes == ()
    nothing = shown(("Queued", 1, 0, 0), ended_at=NOW)
    assert nothing.ticks == ()
    assert nothing.lanes[0].bars[0].width > 0
    set_back = shown(("Queued", 1, 10, 20), ("Running", 1, 5, 5), ("Finalizing", 1, 20, 20))
    assert all(bar.x >= 0 and bar.x + bar.width <= 100.001 for bar in set_back.lanes[0].bars)
    for seconds in (0.01, 59, 61, 3_601, 90_000, 10**8):
        found = shown(("Running", 1, 0, seconds))
        assert 1 <= len(found.ticks) <= 5, seconds
        assert all(0 <= tick.x <= 100.001 for tick in found.ticks)
    many = shown(*(("Running", number, number, number + 1) for number in range(200)))
    assert len(many.lanes) == 20
