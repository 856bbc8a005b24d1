"""The first start of a restored or copied workspace: nothing may run there that may still run in the original one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from faena.compute import store as compute
from faena.compute.machines import store as machines
from faena.db import Database, Write
from faena.kernel.clock import Clock, Micros
from faena.runs import attempt_store, store, transitions
from faena.runs.model import HYPERDRIVE, AttemptState, EndReason, Outcome
from faena.workspaces.model import ASLEEP, WorkspaceFolder

_NEW_SWEEP = (
    "A new sweep goes on from its trials with resume_from=[sweep], and tries those again first that are in "
    "resume_child_runs; `faena rerun` begins it anew."
)


async def prepare_first_start(database: Database, folder: WorkspaceFolder, clock: Clock) -> None:
    """End what had not ended when the backup or copy was made; silent in others, and in one that woke before."""
    mark = folder.path / ASLEEP
    try:
        said = json.loads(mark.read_bytes())
        at, original = int(said["at"]), said.get("copied_from")
    except FileNotFoundError:
        return
    await database.write(lambda write: settle(write, at, clock.now(), original))
    if original is not None or not folder.nodes.exists():
        await database.write(machines.forget_joined)
    mark.unlink()


def settle(write: Write, at: Micros, now: Micros, original: str | None = None) -> None:
    """May be repeated. `original`: where the workspace is that this one was copied from."""
    told = datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")
    source = f"the backup was made that this workspace was restored from ({told})"
    if original is not None:
        source = f"this workspace was copied from {original} (opened {told})"
    message = (
        f"The run had not ended when {source}. What it wrote until then is kept; in the original workspace it may "
        "have gone on. "
    )
    for run in store.unfinished(write):
        again = _NEW_SWEEP if run.type == HYPERDRIVE else "Submit it again with `faena rerun`."
        transitions.end(write, run, Outcome(EndReason.RESTORED, message + again), now)
    for run_id in store.unfinished_ids(write):
        transitions.end_unreadable(write, run_id, "its row", now)
    for attempt in attempt_store.open_attempts(write):
        attempt_store.move_attempt(write, attempt, AttemptState.CLOSED)
    for node in compute.list_nodes(write):
        compute.remove_node(write, node, now)
