"""What a worker writes to stdout and stderr: each line begins with the id of the request that runs."""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AT_ONCE = 1 << 20


class Current:
    """The request that runs; one at a time does."""

    __slots__ = ("request",)

    def __init__(self) -> None:
        self.request = b""
        """Its id; empty between requests."""


class Marked(io.RawIOBase):
    """Writes to a descriptor and marks lines. A full disk loses what is written, and fails nobody."""

    def __init__(self, descriptor: int, current: Current) -> None:
        self._descriptor = descriptor
        self._current = current
        self._within = b""
        """The mark of the line that has been begun."""
        self._begun = False
        self._name = "<stdout>" if descriptor == 1 else "<stderr>"

    @property
    def name(self) -> str:
        return self._name

    @property
    def mode(self) -> str:
        return "wb"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Any) -> int:
        text = bytes(data)
        if not text:
            return 0
        request = self._current.request
        mark = b"[" + request + b"] " if request else b""
        marked = text[:-1].replace(b"\n", b"\n" + mark) + text[-1:] if mark else text
        if self._begun and self._within != mark:
            marked = b"\n" + mark + marked
        elif not self._begun:
            marked = mark + marked
        self._within, self._begun = mark, not text.endswith(b"\n")
        self._put(marked)
        return len(text)

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest[:_AT_ONCE]) :]
            except OSError:
                return


class Stream(io.TextIOWrapper):
    """What a script may not close: other requests write to it, too."""

    def close(self) -> None:
        self.flush()


_streams: list[Stream] = []
"""stdout and stderr, whatever a script has put in their place."""


def install(current: Current) -> None:
    """Has sys.stdout and sys.stderr write marked lines, each when it is whole."""
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = Stream(
            Marked(descriptor, current),  # it takes all that it is given, as a buffer does
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        _streams.append(stream)
        setattr(sys, name, stream)
        setattr(sys, "__{}__".format(name), stream)


def write_error(text: str) -> None:
    """To the log, also where the script has taken sys.stderr away."""
    for stream in _streams[1:]:
        try:
            stream.write(text)
            stream.flush()
        except ValueError:  # it has been detached
            Marked(2, Current()).write(text.encode("utf-8", "backslashreplace"))


def flush() -> None:
    """What has been written, by whatever has been put in the streams' place."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            continue
