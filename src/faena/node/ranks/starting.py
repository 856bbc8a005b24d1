"""What a guard starts in the script's place, where that runs in several processes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from faena.attempts.folder import AttemptFolder
from faena.kernel.errors import UserErrorException
from faena.node import command
from faena.node.ranks import plan, records

_LAUNCHER = Path(__file__).with_name("launcher.py")
_HERE = "127.0.0.1"


def of_ranks(order: dict[str, Any], folder: AttemptFolder, socket: Path) -> list[str]:
    """The argument list of the launcher, which finds what else it needs in the folder. Raises OSError."""
    peers = {int(each["rank"]): str(each["address"]) for each in order.get("peers", ())}
    records.write_plan(
        folder.path,
        {
            "distributed": order["distributed"],
            "node": order["rank"],
            "node_count": order["node_count"],
            "addresses": [peers.get(node, _HERE) for node in range(order["node_count"])],
            "argv": command.command(order, folder.code),
            "python": order["python"],
            "launcher_python": sys.executable,
            "early_signal": (order.get("early_signal") or [0])[0],
        },
    )
    return [sys.executable, "-I", "-S", str(_LAUNCHER), str(socket)]


def check(order: dict[str, Any], folder: AttemptFolder) -> None:
    """Raises UserErrorException for a script that MPI cannot start so that all ranks end with one of them."""
    asked = order.get("distributed")
    if asked is None or asked["kind"] != plan.MPI or command.is_python(order, folder.code):
        return
    raise UserErrorException(
        f"{order['script'][:200]!r} is no script of Python. Ranks of MPI are started by `python -m mpi4py`, without "
        "which the others wait for ever when one of them ends: have a Python script start what is to run."
    )
