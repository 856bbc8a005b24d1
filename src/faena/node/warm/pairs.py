"""A guard and its script, forked ahead from a template: they wait for the order that is theirs.

Python 3.6 and the standard library.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

import _faena_warm

from faena.node import cgroups, guard
from faena.node.script_process import die_with_parent, enter, name_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_MESSAGE = 1 << 13
_MOST_DESCRIPTORS = 16
_GO, _WORKS = b"g", b"+"


class Pair:
    """`pid`: of the guard; `channel`: takes the attempt's folder with the guard's descriptors."""

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.channel = channel


def fork(template: _faena_warm.Template, kept: Iterable[int]) -> Pair | None:
    """None where it cannot be. `kept`: descriptors of the template's own."""
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid = os.fork()
    except OSError:
        theirs.close()
        ours.close()
        return None
    if pid:
        theirs.close()
        return Pair(pid, ours)
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        ours.close()
        for descriptor in kept:
            os.close(descriptor)
        os.setsid()
        _be_guard(theirs, template)
        status = 0
    except BaseException:  # noqa: BLE001  nothing of this process may go on as a template
        traceback.print_exc()
    finally:
        os._exit(status)


def _be_guard(orders: socket.socket, template: _faena_warm.Template) -> None:
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    group = cgroups.create("faena-{}".format(parent))
    script = os.fork()
    if script == 0:
        try:
            orders.close()
            ours.close()
            _be_script(theirs, parent, group, template)
        except BaseException:  # noqa: BLE001  as above
            traceback.print_exc()
        finally:
            os._exit(127)
    theirs.close()

    def begin(launch: int) -> int | None:
        """The script begins in the process that waits; None where it could not, which nothing of it has seen."""
        report_read, report_write = os.pipe2(os.O_CLOEXEC)
        try:
            send(ours, _GO, [launch, report_write])
        except OSError:
            pass  # it has gone
        os.close(report_write)
        ours.close()
        said = b"".join(iter(lambda: os.read(report_read, 4096), b""))
        os.close(report_read)
        if said == _WORKS:
            return script
        print("a warm start failed:", said.decode("utf-8", "replace"), file=sys.stderr, flush=True)
        os.waitpid(script, 0)
        return None

    folder, descriptors = receive(orders)
    orders.close()
    if folder:
        guard.serve(os.fsdecode(folder), *descriptors, ahead=begin, group=group)
        return
    ours.close()  # the script's process leaves
    os.waitpid(script, 0)
    cgroups.remove(group)


def _be_script(
    orders: socket.socket, parent: int, group: Path | None, template: _faena_warm.Template
) -> None:
    """In the script's process: never returns."""
    die_with_parent()
    if os.getppid() != parent:  # it died before the line above
        return
    cgroups.join(group)  # it may take ten milliseconds
    message, descriptors = receive(orders)
    orders.close()
    if not message:
        return
    launch_file, report = descriptors
    try:
        launch = json.loads(os.pread(launch_file, os.fstat(launch_file).st_size, 0))
        os.close(launch_file)
        os.chdir("/proc/{}/cwd".format(parent))  # the attempt's folder, wherever it has been moved to
        enter(launch, None, Path())
        name_process(os.path.basename(launch["argv"][0]))
        script = _faena_warm.Script(launch, template)
    except BaseException as error:  # noqa: BLE001  it is started cold
        os.write(report, "{}: {}".format(type(error).__name__, error).encode("utf-8", "replace")[:4096])
        os._exit(127)
    os.write(report, _WORKS)
    os.close(report)
    script.run()


def receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    """A message with its descriptors; an empty one at the end."""
    room = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
    data, ancillary, _, _ = channel.recvmsg(_LONGEST_MESSAGE, room, socket.MSG_CMSG_CLOEXEC)
    found = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return data, list(found)


def send(channel: socket.socket, data: bytes, descriptors: list[int]) -> None:
    given = array.array("i", descriptors)
    channel.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, given)])
