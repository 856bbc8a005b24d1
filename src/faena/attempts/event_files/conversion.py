"""One event file as a spool: what stands in the one says each byte of the other.

So whoever goes on (the next look, or the adopter of an attempt whose runner died) finds by the spool's length where to.
"""

from __future__ import annotations

import fcntl
import os
import stat
import zlib
from hashlib import blake2b
from io import FileIO
from pathlib import Path

from faena.attempts.event_files import tfrecord
from faena.attempts.event_files.scalars import Scalar, scalars
from faena.kernel.errors import UserErrorException
from faena.kernel.protobuf import Malformed
from faena.script.frames import HELLO, NO_STEP, PACKERS, definition, frame, pack_point
from faena.script.values import check_name

_LONGEST = 1 << 20
"""Bytes of a record that is looked into; images and graphs are longer."""
_PIECE = 1 << 18
_MOST_NAMES = 1000
_CHEAP = 64
"""Bytes that a record that is passed over counts as."""


class EventFile:
    """Reads on in `path` with each call, and appends to the spool what has been found. Raises no OSError."""

    def __init__(self, path: Path, prefix: str, spools: Path, since: int = 0) -> None:
        """`prefix`: stands before the tags, the folder that the file lies in below `logs`. Of what was logged before
        `since`, in microseconds, nothing is taken.
        """
        self._path = path
        self._prefix = prefix
        self._since = since
        name = blake2b(f"{prefix}{path.name}".encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
        self._spool = spools / f"events-{name}.spool"
        self._at = 0
        self._names: dict[str, int] = {}
        self._waiting = bytearray()
        """Bytes of the spool that are known and not written."""
        self._written = 0
        self.trouble = ""
        """Why nothing more is read of it; or what was left out."""
        self.is_over = False

    def read_on(self, limit: int) -> int:
        """How many bytes were looked at, about `limit` at most; 0: there was nothing new."""
        if self.is_over:
            return 0
        try:
            before = self._at
            if not self._write():
                return 0
            looked = self._read(limit)
            self._write()
            return looked or self._at - before
        except OSError:
            return 0  # it is gone, or the disk is full: the next look tries again

    @property
    def is_behind(self) -> bool:
        """Whether there was no room for what was found."""
        return bool(self._waiting)

    def _read(self, limit: int) -> int:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        looked = 0
        with FileIO(os.open(self._path, flags)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size < self._at:
                return self._stop("it was replaced while it was read")
            while looked < limit and len(self._waiting) < _PIECE and not self.is_over:
                taken = self._record(file, status.st_size)
                if not taken:
                    break
                looked += taken
        return looked

    def _record(self, file: FileIO, size: int) -> int:
        """What the next record cost in bytes; 0: it is not there yet, or not whole."""
        file.seek(self._at)
        header = file.read(tfrecord.HEADER)
        if len(header) < tfrecord.HEADER:
            return 0
        try:
            length = tfrecord.data_length(header)
        except tfrecord.Damaged:
            return self._stop(f"there is no record at byte {self._at:,}")
        end = self._at + tfrecord.HEADER + length + tfrecord.FOOTER
        if end > size:
            return 0
        if length > _LONGEST:
            self._at = end
            return _CHEAP
        data = file.read(length + tfrecord.FOOTER)
        if len(data) < length + tfrecord.FOOTER:
            return 0
        try:
            tfrecord.check(data[:length], data[length:])
            found = [each for each in scalars(data[:length]) if each.time >= self._since]
        except (tfrecord.Damaged, Malformed):
            self.trouble = self.trouble or f"the record at byte {self._at:,} is damaged and was left out"
            found = []
        self._at = end
        self._waiting += b"".join(map(self._frames, found))
        return length + _CHEAP

    def _frames(self, scalar: Scalar) -> bytes:
        name = self._prefix + scalar.tag
        known = self._names.get(name)
        head = b""
        if known is None:
            if len(self._names) >= _MOST_NAMES:
                self.trouble = (
                    self.trouble or f"it has more than {_MOST_NAMES:,} tags; the others were left out"
                )
                return b""
            try:
                check_name(name)
            except UserErrorException as error:
                self.trouble = self.trouble or f"a tag was left out: {error}"
                return b""
            known = self._names[name] = len(self._names) + 1
            head = definition(name, known)
            if known == 1:
                head = frame(HELLO, b'{"version": 1, "pid": 0, "python": "", "started": 0}') + head
        pack, start, seed = PACKERS[float]
        step = max(scalar.step, NO_STEP + 1)
        payload = pack(scalar.time, step, float(scalar.value), known)
        return head + pack_point(start, zlib.crc32(payload, seed), payload)

    def _write(self) -> bool:
        """Whether all is written; what is there of it already is."""
        if not self._waiting:
            return True
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        with FileIO(os.open(self._spool, flags, 0o644), "a") as file:
            fcntl.flock(
                file, fcntl.LOCK_EX
            )  # a process that ends its run, and its follower, may both be at it
            there = os.fstat(file.fileno()).st_size
            if there < self._written:
                self._waiting.clear()
                self._stop("its metrics were removed on the node")
                return True
            already = min(there - self._written, len(self._waiting))
            already += file.write(bytes(self._waiting[already:])) or 0
        self._written += already
        del self._waiting[:already]
        return not self._waiting

    def _stop(self, reason: str) -> int:
        self.is_over = True
        self.trouble = f"{reason}, and what follows was not read"
        return 0
