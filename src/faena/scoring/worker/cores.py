"""How many cores this process may use at a time: those that it may run on, or what its control groups give it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator


def available(groups: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> float:
    """1 where that is not known."""
    if not hasattr(os, "sched_getaffinity"):
        return 1.0
    return min([float(len(os.sched_getaffinity(0))), *_quotas(groups, own)])


def _quotas(groups: str, own: str) -> Iterator[float]:
    try:
        with open(own) as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = os.path.join(groups, "cpu") if controllers else groups
        parts = [part for part in path.split("/") if part]
        for count in range(len(parts), -1, -1):
            folder = os.path.join(base, *parts[:count])
            names = ("cpu.cfs_quota_us", "cpu.cfs_period_us") if controllers else ("cpu.max",)
            words = " ".join(_text(os.path.join(folder, name)) for name in names).split()
            if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
                yield int(words[0]) / int(words[1])


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
