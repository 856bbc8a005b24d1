"""What runs on this machine, read from /proc. Linux only; elsewhere the tables are empty."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    pid: int
    parent: int
    state: str
    cpu_ticks: int
    started: int
    """Clock ticks since boot: with the pid, names a process for good."""
    resident_pages: int


def read(pid: int | str) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  read of each process that there is
            text = file.read()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    ticks = int(fields[11]) + int(fields[12])
    return Process(int(pid), int(fields[1]), fields[0].decode(), ticks, int(fields[19]), int(fields[21]))


def all_processes() -> Iterator[Process]:
    try:
        names = [entry.name for entry in os.scandir("/proc")]
    except OSError:
        return
    for name in names:
        found = read(name) if name.isdigit() else None
        if found is not None:
            yield found


def descendants(root: int) -> list[Process]:
    """Children of `root`, their children and so on; not `root` itself."""
    children: dict[int, list[Process]] = {}
    for process in all_processes():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    pending = [root]
    while pending:
        for process in children.get(pending.pop(), ()):
            found.append(process)
            pending.append(process.pid)
    return found


def kill_marked(marker: str, *, deadline: float) -> int:
    """SIGKILL every process whose environment holds `marker`, until none lives; how many were found.

    For what is left when runner and guard died together. `deadline`: seconds to try for.
    """
    wanted = marker.encode()
    killed: set[int] = set()
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        living = [process for process in all_processes() if _is_marked(process, wanted)]
        if not living:
            break
        for process in living:
            killed.add(process.pid)
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    return len(killed)


def _is_marked(process: Process, marker: bytes) -> bool:
    if process.pid == os.getpid() or process.state == "Z":
        return False
    try:
        return marker in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
