"""The spool: each process of a run appends its metrics to a file of its own, one record by one `os.write`.

When a call returns, its record is in the kernel: SIGKILL cannot lose it. There is no lock and no network on that way.
docs/attempts.md describes the frames. A full disk never stops the script: it is told once on stderr, what does not fit
is counted, and the count goes into the file's last frame, which may find no room either: so it stands in the name of
an empty file beside the spool, too, which needs none.
"""

from __future__ import annotations

import atexit
import errno
import itertools
import os
import sys
from _thread import RLock  # `threading` is not loaded in every script; this one is built in
from time import time_ns

from faena.script.frames import END, EVENT, POINT_BYTES, POINT_FRAME, definition, frame, hello, point_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TORN_ALLOWED = 4096
_HIGH_DESCRIPTOR = 200
DROPPED = ".dropped-"
"""Before the count, in the name of the file that tells of it."""


class SpoolWriter:
    """Appends to `<folder>/<pid>-<8 hex>.spool`, opened at the first record and anew after a fork.

    Safe from threads and from signal handlers. No method raises OSError.
    `fd` (-1: not open) and `names` (id of each name whose definition is in the file) are for `Run.log`'s short way.
    """

    __slots__ = ("_ended", "_ids", "_lock", "_mark", "_stem", "_warned", "dropped", "fd", "folder", "names")

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._start()
        self.fd = -1

    def _start(self) -> None:
        self._lock = RLock()
        self._ids = itertools.count(1)
        self._ended = False
        self._warned = False
        self._stem = ""
        self._mark = ""
        """The empty file whose name tells how many records were dropped; none: there is no such file."""
        self.names: dict[str, int] = {}
        self.dropped = 0
        """Records of this process that could not be written."""

    def point(self, name: str, value: float, step: int | None = None) -> None:
        """One point of a metric; `value` is a float or an int within 64 bits."""
        name_id = self.names.get(name) or self._define(name)
        if name_id:
            self._write(point_frame(name_id, value, step))

    def emit(self, op: str, fields: dict[str, Any]) -> None:
        """An event of JSON values. Raises UserErrorException when it is too long and cannot be split."""
        from faena.script import events  # loads json: a script that logs numbers only never pays

        for payload in events.encode(op, fields):
            self._write(frame(EVENT, payload))

    def end(self) -> None:
        """The END frame, once. Records that come later (other exit handlers) follow it in the file."""
        with self._lock:
            if self._ended or (self.fd < 0 and not self.dropped):
                return
            self._ended = True
            last = frame(END, b'{"t": %d, "dropped": %d}' % (time_ns() // 1000, self.dropped))
            told = self.fd >= 0 and self._try_write(last)
            self._bring_back()
            if self.dropped and not self._mark and not told:
                _tell_runner(self.folder, self._stem, self.dropped)

    def _bring_back(self) -> None:
        """Where the file was removed under us: as long as we have it open, its bytes are to be had."""
        path = os.path.join(self.folder, self._stem + ".spool")
        try:
            if self.fd < 0 or os.fstat(self.fd).st_nlink:
                return
            with open("/proc/self/fd/{}".format(self.fd), "rb") as removed, open(path, "xb") as again:
                while True:
                    data = removed.read(1 << 20)
                    if not data:
                        return
                    again.write(data)
        except OSError:  # its folder is gone as well, or this is no Linux
            return

    def after_fork(self) -> None:
        """In the child: leave the parent's file to the parent."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        self._start()

    def _define(self, name: str) -> int:
        """Id of `name`, its definition written before anyone can use it; 0 when that failed."""
        with self._lock:
            if name in self.names:
                return self.names[name]
            name_id = next(self._ids)  # an id whose definition was cut short is never used again
            if not self._write(definition(name, name_id)):
                return 0
            self.names[name] = name_id
            return name_id

    def _try_write(self, data: bytes) -> bool:
        """Of what is no record of the user's: nothing is dropped where there is no room for it."""
        try:
            return self._append(data) == len(data)
        except OSError:
            return False

    def _write(self, data: bytes) -> bool:
        try:
            if self.fd < 0:
                self._open()
            written = self._append(data)
        except OSError as error:
            self._drop(error.strerror or str(error))
            return False
        if written == len(data):
            return True
        if len(data) > _TORN_ALLOWED:
            self._leave_torn_file()
        self._drop("only {} of {} bytes were written".format(written, len(data)))
        return False

    def _append(self, data: bytes) -> int:
        fd = self.fd
        try:
            return os.write(fd, data)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
        # Somebody closed every descriptor, as daemons do: go on in a new file.
        with self._lock:
            if self.fd == fd:
                self.fd = self._new_file()
        return os.write(self.fd, data)

    def _open(self) -> None:
        with self._lock:
            if self.fd >= 0:
                return
            fd = self._new_file()
            if self.fd >= 0:  # a signal handler logged meanwhile
                os.close(fd)
                return
            self.fd = fd
            _keep_memory_at_hand()
            _end_with_process()

    def _new_file(self) -> int:
        """A file that begins with HELLO and the names known so far. Raises OSError when it cannot be made."""
        stem = file_stem()
        path = os.path.join(self.folder, stem + ".spool")
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            fd = _out_of_the_way(fd)
            head = [hello()]
            head += [definition(name, name_id) for name, name_id in list(self.names.items())]
            for part in head:
                if os.write(fd, part) != len(part):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.close(fd)
            os.unlink(path)
            raise
        self._stem = stem
        return fd

    def _leave_torn_file(self) -> None:
        """A reader takes a long torn frame for one that is still coming, so the records after it go to a new file."""
        with self._lock:
            try:
                fd = self._new_file()
            except OSError:
                return
            os.dup2(fd, self.fd, inheritable=False)  # other threads hold the number: it must stay valid
            os.close(fd)

    def _drop(self, reason: str) -> None:
        with self._lock:
            self.dropped += 1
            self._mark_dropped()
            if self._warned:
                return
            self._warned = True
            _end_with_process()
        _tell(
            "faena: metrics cannot be written to {}: {}. The script goes on; records are dropped until "
            "there is space.".format(self.folder, reason)
        )

    def _mark_dropped(self) -> None:
        """Put the count where the end of this process, whatever it is, leaves it. An empty file finds room."""
        self._stem = self._stem or file_stem()
        mark = os.path.join(self.folder, "{}{}{}".format(self._stem, DROPPED, self.dropped))
        try:
            if self._mark:
                os.rename(self._mark, mark)
            else:
                os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
            self._mark = mark
        except OSError:
            self._mark = ""


def file_stem() -> str:
    """The name of a new spool of this process: `<pid>-<8 hex>`."""
    return "{}-{}".format(os.getpid(), os.urandom(4).hex())


def _out_of_the_way(fd: int) -> int:
    # A script that closes all descriptors and opens a file of its own must not get its metrics written into it:
    # the kernel gives the lowest free number, so a high one is not given again by chance.
    try:
        import fcntl  # a script that logs nothing never pays

        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH_DESCRIPTOR)
    except (OSError, ImportError):  # the limit on open files is that low
        return fd
    os.close(fd)
    return high


_kept: list[object] = []


def _keep_memory_at_hand() -> None:
    """Leaves free blocks of the sizes that a point needs (two bytes objects, whole numbers) in CPython's allocator.

    Where the heap happens to be full to its last arena, each call would map a new arena and unmap it again: ten times
    the cost of the call. Seen in one process of five on Python 3.8.
    """
    if _kept:
        return
    for make in (_payload_sized, _frame_sized, _time_sized):
        _kept.extend(
            [make(number) for number in range(1000)][::50]
        )  # one in each pool of 4 KiB keeps it there


def _payload_sized(_: int) -> bytes:
    return bytes(bytearray(POINT_BYTES))


def _frame_sized(_: int) -> bytes:
    return bytes(bytearray(POINT_FRAME))


def _time_sized(number: int) -> int:
    return (1 << 50) + number


def _tell_runner(folder: str, writer: str, dropped: int) -> None:
    """The last way for the count, where the disk takes not even a name."""
    path = os.environ.get("FAENA_SOCKET")
    if not path or folder != os.environ.get("FAENA_SPOOL"):
        return
    from faena.script import rpc

    try:
        rpc.RunnerClient(path, patience=1.0).call("dropped", {"writer": writer, "records": dropped}, 5.0)
    except Exception:  # noqa: BLE001  the process ends; it has warned when the first was dropped
        return


def _tell(message: str) -> None:
    try:
        sys.stderr.write(message + "\n")
    except (OSError, ValueError, AttributeError):  # stderr is on the full disk too, closed, or None
        pass


_writers: list[SpoolWriter] = []


def writer_of(folder: str) -> SpoolWriter:
    """This process's one writer into `folder`."""
    for writer in _writers:
        if writer.folder == folder:
            return writer
    _writers.append(SpoolWriter(folder))
    return _writers[-1]


def forget(writer: SpoolWriter) -> None:
    """Nothing more comes from `writer`: its run has ended."""
    writer.end()
    if writer in _writers:
        _writers.remove(writer)
    writer.after_fork()  # closes the file; who logs on nevertheless gets a new one


def _end() -> None:
    for writer in _writers:
        writer.end()


def _after_fork() -> None:
    for writer in _writers:
        writer.after_fork()


def _end_with_process() -> None:
    atexit.unregister(_end)
    atexit.register(_end)
    # multiprocessing's children leave by os._exit, after their finalizers: the lowest priority runs last.
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, _end, exitpriority=-1000)


os.register_at_fork(after_in_child=_after_fork)
