"""Where environments and locks lie, and who may touch them when.

    <FAENA_HOME>/envs/<digest>/             a virtual environment, in its final place
    <FAENA_HOME>/envs/<digest>.lock         flock: exclusive to build or prune, shared while a run uses it
    <FAENA_HOME>/envs/<digest>.failed.json  why the last build failed
    <FAENA_HOME>/envs/<digest>.log          what the last build said
    <FAENA_HOME>/locks/<spec digest>-<platform>.json   the lock that answers a spec; .lock, .failed.json, .log as above
    <FAENA_HOME>/interpreters.json          what interpreters answered when they were asked

A lock file stays when its environment goes: removing it would let two processes hold two files of one name.
"""

from __future__ import annotations

import fcntl
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from faena.kernel import settings

Log = Callable[[str], None]
"""Takes one line of text, without its end."""

_POLL_SECONDS = 0.05


def envs() -> Path:
    return _folder("envs")


def locks() -> Path:
    return _folder("locks")


def _folder(name: str) -> Path:
    path = settings.home() / name
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@cache
def platform_tag() -> str:
    """Machine and C library: environments of one are of no use to another that shares the home folder."""
    try:
        libc = (os.confstr("CS_GNU_LIBC_VERSION") or "").replace(" ", "")
    except ValueError:
        libc = ""
    system, machine = platform.system().lower(), platform.machine().lower()
    return "-".join(part for part in (system, machine, libc) if part)


@cache
def boot_id() -> str:
    """Names this run of the machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def exclusive(path: Path, log: Log, transcript: Path) -> Iterator[int]:
    """Holds the flock at `path` alone and yields its descriptor, for the build's processes to inherit.

    While somebody else holds it, what that one writes into `transcript` goes to `log` too.
    The lock is free again when every process that inherited the descriptor is gone.
    """
    with exclusive_unless(path, log, transcript, lambda: False) as held:
        assert held is not None
        yield held


@contextmanager
def exclusive_unless(
    path: Path, log: Log, transcript: Path, is_done: Callable[[], bool]
) -> Iterator[int | None]:
    """The same; None, without the lock, once `is_done`: who uses what was built holds it as long as an endpoint lives.

    The lock is free again when every process that inherited the descriptor is gone.
    """
    fd = open_lock(path)
    try:
        held: int | None = fd
        if not _try(fd):
            log("Another process is at it already; this is what it says:")
            held = fd if _wait(fd, log, transcript, is_done) else None
        yield held
    finally:
        os.close(fd)


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(fd: int, log: Log, transcript: Path, is_done: Callable[[], bool]) -> bool:
    """Whether the lock is held now."""
    offset = 0
    while True:
        locked = _try(fd)
        over = locked or is_done()
        try:
            with transcript.open("rb") as file:
                if os.fstat(file.fileno()).st_size < offset:  # begun anew
                    offset = 0
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            data = b""
        whole = data[: data.rfind(b"\n") + 1]
        offset += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            log(line)
        if over:
            return locked
        time.sleep(_POLL_SECONDS)


@contextmanager
def transcribed(log: Log, transcript: Path) -> Iterator[Log]:
    """A log that also fills `transcript`, anew, for those who wait."""
    with transcript.open("w", encoding="utf-8", buffering=1) as file:

        def both(line: str) -> None:
            file.write(line + "\n")
            log(line)

        yield both
