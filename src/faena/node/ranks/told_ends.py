"""How the ranks of a node ended, in words for people."""

from __future__ import annotations

import signal
from typing import Any

from faena.attempts.folder import AttemptFolder
from faena.node.ranks import records

REASONS = ("exit_code", "signal", "out_of_memory")
"""Of an end that is a script's own."""


def of_ranks(folder: AttemptFolder, end: dict[str, Any]) -> dict[str, Any]:
    """What is different about an end where the script ran in several processes; `rank` is the one that failed first."""
    if not folder.ranks.is_dir():
        return {}
    found = records.read(folder.path, records.END)
    if found is None:
        return _of_launcher(end, (records.read(folder.path, records.PLAN) or {}).get("node", 0))
    if isinstance(number := found.get("rank"), int):
        which = f"rank {number} (node {found.get('node')})"
        if end["out_of_memory"]:
            return {
                "rank": number,
                "message": f"The kernel killed {which} for want of memory. Use less memory (a smaller batch), or "
                "fewer processes on each node.",
            }
        if found.get("signal"):
            return {"rank": number, "message": f"{which} was killed by {_name(found['signal'])}."}
        return {"rank": number, "message": f"{which} ended with exit code {found.get('exit_code')}."}
    return {"message": str(found.get("message", ""))}


def _of_launcher(end: dict[str, Any], node: int) -> dict[str, Any]:
    how = (
        f"ended with exit code {end['exit_code']}"
        if end["signal"] is None
        else f"was killed by {_name(end['signal'])}"
    )
    return {"message": f"The launcher of the ranks of node {node} {how}, and they were ended with it."}


def _name(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} (signal {number})"
    except ValueError:
        return f"signal {number}"
