"""The one way to change where a run is: check, write, ring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from faena.db import Write
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict
from faena.runs import store
from faena.runs.model import INTERACTIVE, Outcome, Run, RunStatus, refuse_move

ENGINE_SOON = "engine/soon"
"""Rings where the engine has something to look after, but nothing to hurry for."""


def topic(run_id: str) -> str:
    """What rings when something of the run changes."""
    return f"run:{run_id}"


def move(write: Write, run: Run, status: RunStatus, now: Micros, **changes: Any) -> None:
    """Begin the phase `status`. Raises Conflict with the reason when the run may not go there."""
    if refusal := refuse_move(run.status, status):
        raise Conflict(f"Run {run.id}: {refusal}.")
    store.begin_phase(write, run.id, status.value, changes.get("attempt", run.attempt), now)
    store.update(write, run.id, {"status": status.value, "blocker": None, **changes})
    ring(write, run)


def end(write: Write, run: Run, outcome: Outcome, now: Micros, last_lines: Sequence[str] = ()) -> None:
    """End a run; silent when it has ended already. `last_lines`: of the log that tells why."""
    if run.status.is_terminal():
        return
    store.end_phase(write, run.id, now)
    changes = {
        "status": outcome.reason.status.value,
        "reason": outcome.reason.value,
        "message": outcome.message,
        "last_lines": msgspec.json.encode(last_lines),
        "exit_code": outcome.exit_code,
        "signal": outcome.signal,
        # a clock that was put back gives no run a negative length
        "ended_at": max(now, run.started_at or run.created_at),
        "blocker": None,
        "reserved": False,
    }
    store.update(write, run.id, changes)
    ring(write, run)


def ring(write: Write, run: Run) -> None:
    """Wake whoever waits for the run. The engine has no place to find for one that a process of the user's runs."""
    write.ring(topic(run.id))
    write.ring(ENGINE_SOON if run.type == INTERACTIVE else "engine")


def tell(write: Write, run: Run) -> None:
    """Something about the run changed that is no change of place."""
    store.update(write, run.id, {})
    ring(write, run)


def note_blocker(write: Write, run: Run, blocker: str | None) -> None:
    if run.blocker != blocker:
        store.update(write, run.id, {"blocker": blocker})
        write.ring(topic(run.id))
