"""Starts the ranks of one node: `python -I -S launcher.py SOCKET`, below a run's guard, in the folder of the script.

The guard sees it as the script. It ends as the rank did that failed first, and notes in the attempt's folder which
one that was.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from faena.node.ranks import plan, records
from faena.node.ranks.children import Children, end_as
from faena.node.ranks.exchange import Exchange
from faena.node.ranks.launching import Launch, Refused

TOLD_WITHIN = 15.0
"""Seconds in which the server has a node stop after another one has said that it failed."""
_FAILED = 1 << 8
"""The wait status of exit code 1."""


def main(socket: str) -> None:
    folder = Path("..")
    asked = records.read_plan(folder)
    ranks = plan.all_ranks(asked["distributed"], asked["node_count"])
    children = Children()
    exchange = Exchange(socket, asked["node"], asked["node_count"])
    launch = Launch(folder, asked, ranks, exchange, children)
    if asked["early_signal"]:
        signal.signal(asked["early_signal"], lambda number, _: _pass_on(launch, number))
    try:
        status = _started(launch)
    except Refused as error:
        _note(launch, {"message": str(error)})
        status = _FAILED
    end_as(status)


def _started(launch: Launch) -> int:
    """Start the ranks and wait for their end; the wait status to leave with. Raises Refused."""
    if launch.asked["distributed"]["kind"] == plan.MPI:
        from faena.node.ranks import mpi

        status, message = mpi.run(launch)
    else:
        from faena.node.ranks import own_ranks

        status, message = own_ranks.run(launch)
    if launch.children.is_stopping:
        return status or _FAILED
    failed = records.first_failed(launch.folder, launch.numbers)
    if failed is not None:
        _note(launch, {key: failed[key] for key in ("rank", "exit_code", "signal")})
        return int(failed["signal"] or failed["exit_code"] << 8)
    if not status:
        return 0
    if not message and launch.nodes > 1:
        launch.children.wait_to_be_stopped(TOLD_WITHIN)
    if not launch.children.is_stopping:
        _note(launch, {"message": message or "The ranks were ended, and none of them says why."})
    return status if os.WIFEXITED(status) else _FAILED


def _note(launch: Launch, told: dict[str, Any]) -> None:
    records.write(launch.folder, records.END, {**told, "node": launch.node})


def _pass_on(launch: Launch, number: int) -> None:
    """The signal that a script wants when its time is up soon."""
    for pid in records.pids(launch.folder, launch.numbers):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main(sys.argv[1])
