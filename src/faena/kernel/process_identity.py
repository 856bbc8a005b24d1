"""A process of this host, named for good: its id alone is given to another process some day."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass

_NAME = re.compile(r"process-(\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class Living:
    pid: int
    started: int
    """Clock ticks from the host's start to the process's."""

    @classmethod
    def of(cls, pid: int) -> Living | None:
        """The process that has this id now; None when there is none."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  asked by handles that do not load pathlib
                after_name = file.read().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if after_name[0] in (b"Z", b"X") else cls(pid, int(after_name[19]))

    @classmethod
    def of_name(cls, name: str) -> Living | None:
        """Back from `name`; None for a name that is no process's."""
        found = _NAME.fullmatch(name)
        return cls(int(found[1]), int(found[2])) if found else None

    @property
    def name(self) -> str:
        return f"process-{self.pid}-{self.started}"

    def lives(self) -> bool:
        return Living.of(self.pid) == self

    def watch(self) -> int | None:
        """A file descriptor that becomes readable when the process ends; None when it has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if self.lives():
            return descriptor
        os.close(descriptor)
        return None


def boot() -> str:
    """Names the time since this host was started last; empty where the system does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:  # noqa: PTH123  as above
            return file.read().strip()
    except OSError:
        return ""


def age() -> float:
    """Seconds since this process began, whatever it has executed since; 0 where the system does not say."""
    own, clock = Living.of(os.getpid()), getattr(time, "CLOCK_BOOTTIME", None)
    if own is None or clock is None:
        return 0.0
    return max(0.0, time.clock_gettime(clock) - own.started / os.sysconf("SC_CLK_TCK"))
