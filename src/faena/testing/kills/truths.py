"""How a run may end, by whom was killed under it."""

from __future__ import annotations

from faena.runs.schemas import RunView
from faena.testing.kills.records import Confirmed

_BOUNDARY = 500_000
"""Microseconds around the end of the script within which killing its runner may or may not have cost the run."""
_ON_ITS_WAY = 100_000
"""Microseconds from the note of a kill until its victim is dead and the guard has seen that."""

End = tuple[str, str | None]
"""Status and, of a run that failed, the reason."""

COMPLETED: End = ("Completed", None)
KILLED: End = ("Failed", "signal")
LOST: End = ("Failed", "node_lost")


def end_of(view: RunView) -> End:
    return view.status, view.error.reason if view.error else None


def after_runner(view: RunView, confirmed: Confirmed, killed_at: int) -> list[End]:
    """The ends that are true of a run whose runner was killed at that time (µs)."""
    if not had_started(view, killed_at):
        return before_start(view, killed_at)
    if confirmed.ended is None:
        return [LOST]
    return [COMPLETED] if confirmed.ended < killed_at - _BOUNDARY else [COMPLETED, LOST]


def before_start(view: RunView, killed_at: int, *, on_its_way: int = _ON_ITS_WAY) -> list[End]:
    """The same where the script had not started: another node runs it.

    Unless the guard had begun when the kill was on its way: the script was there for a moment, and that counts.
    """
    began = view.started_at is not None and 0 <= view.started_at - killed_at < on_its_way
    return [COMPLETED, LOST] if began else [COMPLETED]


def had_started(view: RunView, killed_at: int) -> bool:
    return view.started_at is not None and view.started_at <= killed_at


def untrue_signal(view: RunView) -> list[str]:
    """What is wrong about a run whose script was killed by SIGKILL and that does not say so."""
    if view.error is None or (view.error.signal == 9 and "SIGKILL" in view.error.message):
        return []
    return [f"the signal is not named: {view.error}"]
