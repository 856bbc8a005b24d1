"""The one way to change where a run is: check, write, notify."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from faena.db import Write
from faena.db.calling import call_all
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict
from faena.kernel.hooks import Hooks
from faena.runs import node_hours, phase_store, store
from faena.runs.model import EndReason, Outcome, Run, RunStatus, refuse_move

ENGINE_SOON = "engine/soon"
"""Rings where the engine has something to look after; what comes shortly after it is looked at together."""
WORK_COMES = "work/comes"
"""Rings where a feature is about to submit a run in the place of one that has ended: it makes it elsewhere."""
MOVED = "runs"
"""Rings when any run moved."""
_OF_NO_CONCERN = (RunStatus.STARTING, RunStatus.RUNNING, RunStatus.FINALIZING)
"""Nodes and queues are as they were when a run begins these phases: the engine has nothing to look at."""


class Ended(Struct, frozen=True):
    """A run that ended, as features are told of it."""

    run_id: str
    type: str
    """Empty where its row cannot be read."""
    outcome: Outcome
    at: Micros


on_end: Hooks[[Write, Ended], None] = Hooks()
"""What features do when a run ends, in the transaction that ends it. A run ends once."""

on_cancel: Hooks[[Write, Run, Micros], None] = Hooks()
"""What features do when a run that goes on is asked to stop, in the transaction of the request; once a run."""


def topic(run_id: str) -> str:
    """What is notified when something of the run changes."""
    return f"run:{run_id}"


def move(write: Write, run: Run, status: RunStatus, now: Micros, **changes: Any) -> Run:
    """Begin the phase `status`; the run as it is then. Raises Conflict with the reason when it may not go there."""
    if refusal := refuse_move(run.status, status):
        raise Conflict(f"Run {run.id}: {refusal}.")
    if status is RunStatus.QUEUED:
        node_hours.count(write, run, now)
    phase_store.begin_phase(write, run.id, status.value, changes.get("attempt", run.attempt), now)
    store.update(write, run.id, {"status": status.value, **changes})
    notify(write, run, engine=status not in _OF_NO_CONCERN)
    return msgspec.structs.replace(run, status=status, version=run.version + 1, **changes)


def move_all(
    write: Write, moved: Sequence[tuple[Run, dict[str, Any]]], status: RunStatus, now: Micros
) -> None:
    """Begin the phase `status` of many runs, the same columns of each changed; as `move` does, at a tenth of its cost.

    Raises Conflict when one of them may not go there.
    """
    for run, _ in moved:
        if refusal := refuse_move(run.status, status):
            raise Conflict(f"Run {run.id}: {refusal}.")
    begun = [(run.id, changes.get("attempt", run.attempt)) for run, changes in moved]
    phase_store.begin_phases(write, begun, status.value, now)
    store.update_many(write, {run.id: {"status": status.value, **changes} for run, changes in moved})
    for run, _ in moved:
        notify(write, run, engine=status not in _OF_NO_CONCERN)


def end(write: Write, run: Run, outcome: Outcome, now: Micros, last_lines: Sequence[str] = ()) -> None:
    """End a run; silent when it has ended already. `last_lines`: of the log that tells why."""
    if run.status.is_terminal():
        return
    node_hours.count(write, run, now)
    phase_store.end_phase(write, run.id, now)
    changes: dict[str, Any] = {
        "status": outcome.reason.status.value,
        "reason": outcome.reason.value,
        "message": outcome.message,
        "last_lines": msgspec.json.encode(last_lines),
        "exit_code": outcome.exit_code,
        "signal": outcome.signal,
        # a clock that was put back gives no run a negative length
        "ended_at": max(now, run.started_at or run.created_at),
        "reserved": False,
        "build": None,
    }
    store.update(write, run.id, changes)
    notify(write, run, engine=False)
    call_all(on_end, write, Ended(run.id, run.type, outcome, changes["ended_at"]))


def end_at(write: Write, run: Run, at: Micros) -> Run:
    """A run that has ended did so at another moment: whoever logs it said so."""
    ended = max(at, run.started_at or run.created_at)
    if ended == run.ended_at:
        return run
    phase_store.move_end(write, run.id, ended)
    store.update(write, run.id, {"ended_at": ended})
    notify(write, run, engine=False)
    return msgspec.structs.replace(run, ended_at=ended)


def begin_again(write: Write, run: Run, now: Micros) -> Run:
    """A run that nobody here watches goes on after its end, which is forgotten: whoever logs it said so."""
    phase_store.begin_phase(write, run.id, RunStatus.RUNNING.value, run.attempt, now)
    changes: dict[str, Any] = {
        "status": RunStatus.RUNNING.value,
        **dict.fromkeys(("reason", "message", "last_lines", "ended_at"), None),
    }
    store.update(write, run.id, changes)
    notify(write, run, engine=False)
    return msgspec.structs.replace(
        run, status=RunStatus.RUNNING, reason=None, message=None, last_lines=None, ended_at=None
    )


def end_unreadable(write: Write, run_id: str, why: str, now: Micros) -> None:
    """End a run whose row or submission cannot be read; nothing of it is looked at."""
    message = f"What the database holds of this run cannot be read ({why[:300]}): submit it again."
    phase_store.end_phase(write, run_id, now)
    changes = {
        "status": EndReason.NOT_STARTED.status.value,
        "reason": EndReason.NOT_STARTED.value,
        "message": message,
        "ended_at": now,
        "reserved": False,
        "build": None,
    }
    store.update(write, run_id, changes)
    write.notify(topic(run_id))
    write.notify(MOVED)
    call_all(on_end, write, Ended(run_id, "", Outcome(EndReason.NOT_STARTED, message), now))


def notify(write: Write, run: Run, *, engine: bool = True) -> None:
    """Wake whoever waits for the run, and the engine where it is concerned."""
    write.notify(topic(run.id))
    write.notify(MOVED)
    if engine:
        write.notify(ENGINE_SOON)


def tell(write: Write, run: Run) -> None:
    """Something about the run changed that is no change of place."""
    store.update(write, run.id, {})
    notify(write, run)
