"""The records of an attempt: small files that one process writes and another one must read, perhaps after a power cut.

One that is there but cannot be understood is never taken for one that is not there.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ORDERS = 1
"""The form of orders that this runner understands: a server of another form has it leave and starts one of its own."""

Shape = Mapping[str, Any]
"""By key: a type, a tuple of types, a range or set that it is in, or the shape of an object in it."""

_NUMBER_OR_NONE = (int, float, type(None))

ORDER: Shape = {"run_id": str, "attempt": int, "rank": int, "node_count": int}
SCRIPT_ORDER: Shape = {**ORDER, "max_run_duration_seconds": _NUMBER_OR_NONE}
PROCESS_ORDER: Shape = {**ORDER, "outputs": str}
_TIME = range(253_402_300_800_000_000)
"""Microseconds from 1970 to the year 9999."""

START: Shape = {"at": _TIME}
SCRIPT_ENDED: Shape = {
    "exit_code": frozenset({None, *range(256)}),
    "signal": frozenset({None, *range(1, 128)}),
    "out_of_memory": bool,
    "stopped_for": frozenset({None, "cancel", "time_limit", "removed", "runner_lost", "fenced", "drained"}),
    "ended": _TIME,
}
SCRIPT_NOT_STARTED: Shape = {"not_started": str}
PROCESS_ENDED: Shape = {"outcome": {"reason": str, "message": str}, "ended": _TIME}


_LARGEST = 256 << 20


class UnreadableRecord(Exception):
    """A record is there and says nothing that can be used: empty, cut short, zeros, or of another form."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be read: {why}.")
        self.path = path


def read_record(path: Path, *shapes: Shape) -> dict[str, Any] | None:
    """What stands in it, in one of the shapes; None where there is no such file. Raises UnreadableRecord."""
    try:
        data = _bytes(path)
    except FileNotFoundError:
        if path.is_symlink():
            raise UnreadableRecord(path, "it is a link to what is not there") from None
        return None
    except OSError as error:
        raise UnreadableRecord(path, error.strerror or str(error)) from error
    if not data.strip(b"\0"):
        raise UnreadableRecord(path, "it holds nothing but zeros" if data else "it is empty")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise UnreadableRecord(path, "it is cut short, or no JSON") from None
    wrong = [_mismatch(found, shape) for shape in shapes]
    if wrong and all(wrong):
        raise UnreadableRecord(path, next((each for each in wrong if "missing" not in each), wrong[0]))
    return found if isinstance(found, dict) else {}


def _bytes(path: Path) -> bytes:
    """Waits for nobody where something else than a file has its name, such as a FIFO."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableRecord(path, "it is no regular file")
        if status.st_size > _LARGEST:
            raise UnreadableRecord(path, f"it has {status.st_size:,} bytes, more than any record")
        return file.read()


def needed_record(path: Path, *shapes: Shape) -> dict[str, Any]:
    """As `read_record`, of a file that must be there. Raises UnreadableRecord."""
    found = read_record(path, *shapes)
    if found is None:
        raise UnreadableRecord(path, "it is not there")
    return found


def _mismatch(found: object, shape: Shape, where: str = "") -> str:
    """What is not as the shape wants it; empty where all is."""
    if not isinstance(found, dict):
        return f"{where or 'it'} is no object"
    for key, wanted in shape.items():
        name = f"{where}.{key}" if where else key
        if key not in found:
            return f"{name!r} is missing"
        if isinstance(wanted, Mapping):
            if inner := _mismatch(found[key], wanted, name):
                return inner
        elif not _is_as(found[key], wanted):
            return f"{name!r} is {str(found[key])[:40]!r}"
    return ""


def _is_as(value: object, wanted: Any) -> bool:
    if isinstance(wanted, range):
        return type(value) is int and value in wanted
    if isinstance(wanted, frozenset):
        return type(value) in (int, str, type(None)) and value in wanted
    return type(value) in (wanted if isinstance(wanted, tuple) else (wanted,))
