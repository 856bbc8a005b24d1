"""What a server leaves to the one that takes its place in the same process: descriptors, which outlive a program."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import msgspec
from msgspec import Struct

from faena.kernel.discovery import child_environment

SIGNAL = signal.SIGUSR2
"""By which a restart is asked for. Not SIGHUP, which comes when a terminal is closed."""
_VARIABLE = "FAENA_HANDED_ON"
NONE = -1


class HandedOn(Struct, frozen=True):
    """Descriptors; -1: there is none."""

    pid: int
    """Of the process that is meant: its children may inherit the variable, never the descriptors."""
    people: int = NONE
    """The socket at which people are listened to."""
    is_given: bool = False
    """Whether that one is a supervisor's, wherever it listens."""
    host: int = NONE
    """The socket for the server's own host."""
    election: int = NONE
    inside: int = NONE
    """The locks of who serves the workspace: nobody starts another server meanwhile."""
    shared: int = NONE
    """The lock of a shared server."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        every = (self.people, self.host, self.election, self.inside, self.shared)
        return tuple(each for each in every if each != NONE)

    @property
    def is_served(self) -> bool:
        """Whether the process has the locks of who serves the workspace."""
        return NONE not in (self.host, self.election, self.inside)


def taken(environment: MutableMapping[str, str] = os.environ) -> HandedOn | None:
    """What an earlier server of this very process left; None where it is the first."""
    try:
        found = msgspec.json.decode(environment.pop(_VARIABLE, ""), type=HandedOn)
        if found.pid != os.getpid():
            return None
        for descriptor in found.descriptors:
            os.set_inheritable(descriptor, False)
    except (msgspec.DecodeError, OSError):
        return None
    return found


def go_on_as(arguments: Iterable[str], left: HandedOn, settings: Mapping[str, str]) -> NoReturn:
    """Become the next server. Raises OSError where the interpreter is not there any more."""
    for descriptor in left.descriptors:
        os.set_inheritable(descriptor, True)
    signal.signal(SIGNAL, signal.SIG_IGN)  # which would end the next one until that has loaded what it needs
    environment = {**child_environment(), **settings, _VARIABLE: msgspec.json.encode(left).decode()}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "faena.server", *arguments], environment)


def children() -> list[int]:
    """Processes that an earlier server of this process started: runners, fronts. Empty where the system tells none."""
    found: list[int] = []
    for thread in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError, ValueError):
            found += map(int, thread.read_text().split())
    return found


def reap(pids: Iterable[int]) -> None:
    """Take note of their ends, which they would wait for otherwise. In an event loop."""
    loop = asyncio.get_running_loop()

    def ended(pid: int, descriptor: int) -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

    for pid in pids:
        with suppress(OSError):
            descriptor = os.pidfd_open(pid)
            loop.add_reader(descriptor, ended, pid, descriptor)
