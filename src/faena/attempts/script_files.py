"""What the guard of a script writes and reads in its attempt's folder.

A guard may run in the interpreter of a run's environment: Python 3.6 and the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
from itertools import islice
from typing import Any

from faena.kernel.durable import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

DRIVER_LOG = "driver.log"
RANKS = "ranks"
"""The folder of what ranks print and how they ended, where a run has several processes on a node."""

_MOST_STREAMS = 10_000
"""Of which a record of the script's end tells the size."""


def streams_left(folder: Path) -> dict[str, int]:
    """Bytes of what the script has written, by path in the folder, once nobody writes any more."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError):
        found[DRIVER_LOG] = (folder / DRIVER_LOG).lstat().st_size
    with contextlib.suppress(OSError), os.scandir(folder / "spool") as entries:
        spools = (entry for entry in entries if entry.name.endswith(".spool"))
        for entry in islice(spools, _MOST_STREAMS):
            found[f"spool/{entry.name}"] = entry.stat(follow_symlinks=False).st_size
    with contextlib.suppress(OSError), os.scandir(folder / RANKS) as entries:
        for entry in islice((entry for entry in entries if entry.name.endswith(".log")), _MOST_STREAMS):
            found[f"{RANKS}/{entry.name}"] = entry.stat(follow_symlinks=False).st_size
    return found


def write_record(folder: Path, name: str, value: dict[str, Any]) -> None:
    """Whole or not at all, for whoever comes next; power loss may take it, as it takes what the script wrote.

    For its owner alone: some hold the variables that a run was given.
    """
    write_whole(folder / f"{name}.json", json.dumps(value).encode(), mode=0o600)
