"""What launcher and ranks write down in the attempt's folder, and the next one reads."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

from faena.attempts.script_files import RANKS
from faena.kernel.durable import write_whole

END, PLAN = "end", "plan"
_TAIL = 8192
_ABORTED = re.compile(
    rb"^Abort\((-?\d+)\) on node (\d+) \(rank \d+ in comm \d+\): (application called MPI_Abort)?",
    re.MULTILINE,
)
"""What MPICH has a process say that ends all others."""


def write(folder: Path, name: str, value: dict[str, Any]) -> None:
    """`folder`: the attempt's."""
    write_whole(folder / RANKS / f"{name}.json", json.dumps(value).encode(), mode=0o600)


def read(folder: Path, name: str) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / RANKS / f"{name}.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def write_plan(folder: Path, plan: dict[str, Any]) -> None:
    (folder / RANKS).mkdir(exist_ok=True)
    write(folder, PLAN, plan)


def read_plan(folder: Path) -> dict[str, Any]:
    return json.loads((folder / RANKS / f"{PLAN}.json").read_bytes())  # type: ignore[no-any-return]  # as written


def log_of(folder: Path, number: int) -> Path:
    return folder / RANKS / f"{number}.log"


def open_log(folder: Path, number: int) -> int:
    return os.open(log_of(folder, number), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def write_begun(folder: Path, number: int, pid: int) -> None:
    write(folder, str(number), {"pid": pid})


def write_ended(folder: Path, number: int, pid: int, status: int) -> None:
    """`status`: as waited for."""
    write(folder, str(number), {"pid": pid, "ended": time.time_ns() // 1000, **told(status)})


def told(status: int) -> dict[str, int | None]:
    """A wait status as exit code or signal."""
    return {
        "exit_code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
    }


def pids(folder: Path, numbers: list[int]) -> list[int]:
    """Of those ranks that have not ended by themselves."""
    found = [read(folder, str(number)) or {} for number in numbers]
    return [int(each["pid"]) for each in found if "pid" in each and "ended" not in each]


def lost(folder: Path, numbers: list[int]) -> list[int]:
    """Those of which nobody noted how they ended."""
    return [number for number in numbers if "ended" not in (read(folder, str(number)) or {})]


def first_failed(folder: Path, numbers: list[int]) -> dict[str, Any] | None:
    """The rank that ended badly by itself, the earliest one: `rank`, `exit_code` and `signal`.

    One that has MPI end all others is killed with them before anybody can note how it ended: its log says so.
    """
    ended = [{**(read(folder, str(number)) or {}), "rank": number} for number in numbers]
    failed = [each for each in ended if "ended" in each and (each["exit_code"] or each["signal"])]
    if failed:
        return min(failed, key=lambda each: int(each["ended"]))
    said = [found for number in numbers if (found := _aborted(folder, number))]
    return min(said, key=lambda each: not each["asked"], default=None)


def _aborted(folder: Path, number: int) -> dict[str, Any] | None:
    try:
        with log_of(folder, number).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            found = list(_ABORTED.finditer(file.read()))
    except OSError:
        return None
    own = [each for each in found if int(each[2]) == number]
    if not own:
        return None
    asked = own[-1][3] is not None
    return {"rank": number, "exit_code": int(own[-1][1]) & 0xFF or 1, "signal": None, "asked": asked}
