"""What a script's process is before anything of the script runs in it. Python 3.6 and the standard library."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from faena.attempts.script_files import DRIVER_LOG
from faena.node import cgroups, mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int | bytes) -> None:
    if sys.platform == "linux":
        _libc.prctl(option, value, 0, 0, 0)


def die_with_parent() -> None:
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def name_process(name: str) -> None:
    prctl(PR_SET_NAME, os.fsencode(name)[:15])


def wake_by_signals(descriptor: int) -> None:
    """Each signal writes a byte there; one that finds no room is of no account: there is something to read anyway."""
    if sys.version_info < (3, 7):
        signal.set_wakeup_fd(descriptor)
    else:
        signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)


def enter(launch: dict[str, Any], group: Path | None, folder: Path) -> None:
    """Have this process be a script's: its group, mounts, signals, streams and working directory. Raises OSError."""
    os.setpgid(0, 0)
    cgroups.join(group)
    if launch.get("mounts"):
        mounts.enter(launch["mounts"])
        die_with_parent()  # new credentials may have cleared it
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    log = os.open(folder / DRIVER_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
        os.set_inheritable(target, True)
    if "first_line" in launch:
        os.write(2, launch["first_line"].encode())
    for descriptor in (log, nothing):
        if descriptor > 2:
            os.close(descriptor)
    os.chdir(launch["cwd"])
