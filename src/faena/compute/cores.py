"""The cores of this machine that may be used, and how many of them a script's threads get."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


_LASTS_S = 10.0
"""Seconds for which the answer is taken for true: it is asked for with each run, and takes ten files to find."""


def machine_cores() -> int:
    """Cores that this process may use: those that it may run on, no more than the quota of its container."""
    return _cores_in(int(time.monotonic() // _LASTS_S))


@lru_cache(1)
def _cores_in(_: int) -> int:
    return usable_cores(_OWN, _CGROUPS)


def usable_cores(own: Path, mounted: Path) -> int:
    """The same, as these files say it now."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(own, mounted)
    return count if quota is None else max(1, min(count, int(quota)))


def _quota(own: Path, mounted: Path) -> float | None:
    """Cores' worth of time that the control groups of this process allow; None: no limit, or not known."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    found: list[float] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = mounted / "cpu" if controllers else mounted
        # in a container the path may be the host's, of which only the last part is mounted, as the root
        for group in (PurePosixPath(path), *PurePosixPath(path).parents):
            limit = _limit(base / group.relative_to("/"))
            if limit is not None:
                found.append(limit)
    return min(found, default=None)


def _limit(group: Path) -> float | None:
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota = (group / "cpu.cfs_quota_us").read_text().strip()
            period = (group / "cpu.cfs_period_us").read_text().strip()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):  # "max": no limit
        return None


def fair_share(cores: int, max_nodes: int) -> int:
    """Of each node, when all that a cluster may have run at once."""
    return max(1, cores // max(1, max_nodes))


def threads_for(fixed: int | None, cores: int, at_once: int) -> int:
    """Of a node that runs beside others, `at_once` of them with it; `fixed`: what the cluster says."""
    return max(1, cores // max(1, at_once)) if fixed is None else fixed
