"""Memory and its limits, and what of the kernel a script gets: control groups, namespaces, GPUs."""

from __future__ import annotations

import os
import re
import resource
import secrets
from collections.abc import Iterator
from pathlib import Path

from faena.compute.gpus import gpu_ids
from faena.health.finding import Finding, ok, problem, size, warning
from faena.health.subject import Subject
from faena.node import bind_mounts, cgroups

SCARCE_MEMORY = 512_000_000
"""Available memory below which a training script is likely to be killed: a warning."""
TOO_LITTLE_MEMORY = 128_000_000
"""What server and runner need together: a problem."""
FEW_FILES = 1024
"""Open files that a server may need: each follower of a run is a connection."""
_GROUPS = Path("/sys/fs/cgroup")


def check_memory(subject: Subject) -> Iterator[Finding]:
    """Of the machine, and of the control group that this process is in, whichever is less."""
    available, said = _available(), "available"
    if (limited := _left_of_limit()) is not None and limited < available:
        available, said = limited, "left below the control group's limit"
    text = f"{size(available)} {said}"
    remedy = "end other programs, or raise the limit (memory.max, docker --memory)"
    if available < TOO_LITTLE_MEMORY:
        yield problem("memory", text, remedy)
    elif available < SCARCE_MEMORY:
        yield warning("memory", f"{text}: a script may be killed for want of it", remedy)
    else:
        yield ok("memory", text)


def check_limits(subject: Subject) -> Iterator[Finding]:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < FEW_FILES:
        yield warning("open files", f"{files} at most", f"ulimit -n {FEW_FILES}")
    else:
        yield ok("open files", "no limit" if files == resource.RLIM_INFINITY else f"{files:,} at most")


def check_control_groups(subject: Subject) -> Iterator[Finding]:
    """Whether a script can get one of its own, made and removed here as a runner would."""
    group = cgroups.create(f"faena-doctor-{secrets.token_hex(4)}")
    cgroups.remove(group)
    if group is not None:
        yield ok("control groups", "a script gets one of its own")
        return
    yield warning(
        "control groups",
        "none can be made: whether a script was killed for want of memory is told by the whole machine's count",
        "systemd-run --user --scope -p Delegate=yes faena …, where that certainty is wanted",
    )


def check_mounts(subject: Subject) -> Iterator[Finding]:
    """Whether data can be mounted read-only, tried in a process that ends."""
    refusal = bind_mounts.refusal_of([])
    if refusal is None:
        yield ok("mounts", "data can be bound read-only")
        return
    yield warning(
        "mounts",
        f"refused ({refusal}): a script gets a copy of the data that it mounts, which takes time and disk",
        "sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000",
    )


def check_gpus(subject: Subject) -> Iterator[Finding]:
    found = gpu_ids()
    driver = Path("/proc/driver/nvidia/version").exists()
    if not found and driver and os.environ.get("CUDA_VISIBLE_DEVICES") is None:
        yield warning("GPU", "a driver is there, and nvidia-smi names no GPU", "nvidia-smi")
    else:
        yield ok("GPU", ", ".join(found) if found else "none; GPU calls of scripts are answered on the CPU")


def _available() -> int:
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found is None:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(found[1]) * 1024


def _left_of_limit() -> int | None:
    """Bytes below the lowest limit of the groups that this process is in; None without a limit."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    left: list[int] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = _GROUPS / "memory" if controllers else _GROUPS
        names = (
            ("memory.usage_in_bytes", "memory.limit_in_bytes")
            if controllers
            else ("memory.current", "memory.max")
        )
        group = root / path.lstrip("/")
        while group.is_relative_to(root):
            used, limit = (_number(group / name) for name in names)
            if used is not None and limit is not None:
                left.append(limit - used)
            group = group.parent
    return max(0, min(left)) if left else None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # `max`: no limit
        return None
