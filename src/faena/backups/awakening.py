"""The first start of a restored workspace: nothing may run there that may still run in the original one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from faena.backups.model import RESTORED
from faena.compute import store as compute
from faena.db import Database, Write
from faena.kernel.clock import Clock, Micros
from faena.runs import moves, store
from faena.runs.model import AttemptState, EndReason, Outcome
from faena.workspaces.model import WorkspaceFolder


async def awaken(database: Database, folder: WorkspaceFolder, clock: Clock) -> None:
    """End what had not ended when the backup was made; silent in a workspace that was not restored, or woke before."""
    mark = folder.path / RESTORED
    try:
        at = int(json.loads(mark.read_bytes())["at"])
    except FileNotFoundError:
        return
    await database.write(lambda write: settle(write, at, clock.now()))
    mark.unlink()


def settle(write: Write, at: Micros, now: Micros) -> None:
    """May be repeated."""
    told = datetime.fromtimestamp(at / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")
    message = (
        f"The run had not ended when the backup was made that this workspace was restored from ({told}). What it "
        "wrote until then is kept; in the original workspace it may have gone on. Submit it again with `faena rerun`."
    )
    for run in store.unfinished(write):
        moves.end(write, run, Outcome(EndReason.RESTORED, message), now)
    for attempt in store.open_attempts(write):
        store.move_attempt(write, attempt, AttemptState.CLOSED)
    for node in compute.list_nodes(write):
        compute.remove_node(write, node, now)
