"""A control group of its own for a script, where this user may make one: tells an out-of-memory kill for sure.

Where none can be made the kernel's count of such kills on the whole machine is the next best witness.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_V1 = Path("/sys/fs/cgroup/memory")
_V2 = Path("/sys/fs/cgroup")
_COUNTED = re.compile(rb"^oom_kill (\d+)$", re.MULTILINE)
_ahead: list[tuple[Path | None, bool]] = []
"""Where groups are made, and whether they count their kills: what the process that forked this one has found."""


def look_ahead() -> None:
    """To be called by who forks processes that make groups: where it is, they are."""
    base = _own_group()
    _ahead[:] = [(base, base is not None and _count_below(base))]


def create(name: str) -> Path | None:
    """A new group below the one that this process is in; None where that is not possible."""
    base = _ahead[0][0] if _ahead else _own_group()
    if base is None:
        return None
    group = base / name
    try:
        group.mkdir()
    except FileNotFoundError:
        if not _ahead:
            return None
        _ahead.clear()  # both were moved since
        return create(name)
    except OSError:
        return None
    return group


def join(group: Path | None) -> None:
    """Put this process into the group; without one, or when refused, it stays where it is."""
    if group is None:
        return
    try:
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError:
        return


def oom_kills(group: Path | None) -> int | None:
    """How many processes of the group, or of the machine where there is none, were killed for want of memory.

    None where nobody counts them.
    """
    sources = [Path("/proc/vmstat")]
    if group is not None:
        sources = [group / "memory.events", group / "memory.oom_control", *sources]
    for source in sources:
        try:
            found = _COUNTED.search(source.read_bytes())
        except OSError:
            continue
        if found:
            return int(found[1])
    return None


def oom_kills_at_first(group: Path | None) -> int | None:
    """As `oom_kills`, of a group that was just made."""
    if group is not None and _ahead and _ahead[0][1]:
        return 0
    return oom_kills(group)


def remove(group: Path | None) -> None:
    if group is None:
        return
    try:
        group.rmdir()
    except OSError:
        return  # a process that cannot die yet; the empty group costs nothing


def _count_below(base: Path) -> bool:
    """Whether the groups made there count their kills."""
    try:
        control = base / "cgroup.subtree_control"
        if control.exists():
            return b"memory" in control.read_bytes().split()
        return _COUNTED.search((base / "memory.oom_control").read_bytes()) is not None
    except OSError:
        return False


def _own_group() -> Path | None:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" and (_V2 / "cgroup.controllers").exists():
            # in version 2 a group with processes may not also delegate memory, so a sibling is made
            return _V2 / path.lstrip("/").rpartition("/")[0]
        if "memory" in controllers.split(","):
            return _V1 / path.lstrip("/")
    return None
