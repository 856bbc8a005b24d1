"""Who runs: found in /proc and by the sockets and locks that they hold."""

from __future__ import annotations

import os
import signal
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from faena.kernel.discovery import Rendezvous
from faena.node import processes
from faena.testing.waiting import until


def server_of(folder: Path) -> int | None:
    """The process that listens at the workspace's socket."""
    try:
        with Rendezvous(folder).connect(1.0) as connection:
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except OSError:
        return None
    return int(struct.unpack("3i", credentials)[0])


def runners_of(folder: Path) -> list[int]:
    """Nodes of the workspace, and those that finish for a node that died."""
    return commanded(lambda words: "faena.node" in words and str(folder) in words)


def warm_of(folder: Path) -> list[int]:
    """Interpreters of the workspace's nodes that have packages loaded, and what waits in them for its order."""
    runners = runners_of(folder)
    templates = [pid for pid in commanded(_is_template) if parent_of(pid) in runners]
    found = set(templates)
    forked = [pid for pid, words in _commands() if _is_template(words)]
    for _ in range(2):  # the guard, and the script below it
        found.update(pid for pid in forked if parent_of(pid) in found)
    return sorted(found)


def _is_template(words: list[str]) -> bool:
    return len(words) > 1 and words[1].endswith("/faena/node/warm/template.py")


def builders_of(folder: Path) -> list[int]:
    """Processes that build environments for the workspace."""
    builds = str(folder / "builds")
    return commanded(
        lambda words: "faena.environments" in words and any(word.startswith(builds) for word in words)
    )


def commanded(wanted: Callable[[list[str]], bool]) -> list[int]:
    """Processes whose command line is wanted.

    Not what one of them has forked and that has yet to become something else: until then it has its parent's words.
    """
    found = [pid for pid, words in _commands() if wanted(words)]
    return [pid for pid in found if parent_of(pid) not in found]


def of_run(run_id: str) -> list[int]:
    """What runs in the name of a run."""
    return _with_variable(lambda variable: variable.startswith(f"FAENA_MARK={run_id}.".encode()))


def of_runtime(runtime: Path) -> list[int]:
    """What was started under this runtime folder and still runs; not this process."""
    return _with_variable(lambda variable: variable == _mark(runtime))


def kill_of_runtime(pid: int, runtime: Path) -> bool:
    """SIGKILL for a process that was started under this runtime folder; False when there is none of that id.

    The process is held before it is looked at: its id cannot be given to another one in between.
    """
    try:
        held = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not runs(pid) or _mark(runtime) not in _variables(pid):
            return False
        signal.pidfd_send_signal(held, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(held)
    until(lambda: not runs(pid), f"process {pid} is dead")
    return True


def parent_of(pid: int) -> int | None:
    found = processes.read(pid)
    return found.parent if found else None


def runner_of(script: int) -> int | None:
    """The node whose script it is: above the guard and the fork server."""
    nodes = {pid for pid, words in _commands() if words[1:4] == ["-P", "-m", "faena.node"]}
    pid: int | None = script
    while pid and pid not in nodes:
        pid = parent_of(pid)
    return pid or None


def runs(pid: int) -> bool:
    found = processes.read(pid)
    return found is not None and found.state not in "ZX"


def kill(pid: int) -> bool:
    """SIGKILL, and see that it took; False when the process had ended before."""
    if not runs(pid):
        return False
    os.kill(pid, signal.SIGKILL)
    until(lambda: not runs(pid), f"process {pid} is dead")
    return True


def _commands() -> Iterator[tuple[int, list[str]]]:
    for process in processes.all_processes():
        if process.state in "ZX":
            continue
        try:
            words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        yield process.pid, [os.fsdecode(word) for word in words]


def _with_variable(wanted: Callable[[bytes], bool]) -> list[int]:
    return [
        process.pid
        for process in processes.all_processes()
        if process.pid != os.getpid()
        and process.state not in "ZX"
        and any(map(wanted, _variables(process.pid)))
    ]


def _variables(pid: int) -> list[bytes]:
    """What a process was started with; empty when it has ended or is another user's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _mark(runtime: Path) -> bytes:
    return b"FAENA_RUNTIME=" + os.fsencode(runtime)
