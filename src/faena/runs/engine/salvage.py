"""Takes of a batch what can be taken, where something in it makes it fail: what is left out is counted as bad."""

from __future__ import annotations

import logging
from collections.abc import Callable

from faena.db import Write
from faena.db.failures import OF_DATABASE
from faena.kernel.errors import NotFound, WorkspaceGone
from faena.tracking import spool
from faena.tracking.model import StreamKey, check_stream

Take = Callable[[int, bytes], int]
"""Keeps bytes of the stream from an offset on, with what they say; the stream's offset then."""
LeaveOut = Callable[[int, int], int]
"""Passes over so many bytes from an offset on, and tells of it; the stream's offset then."""

_log = logging.getLogger(__name__)
_MOST = 50
"""Records that are left out of one batch: each costs the writer some tries. A batch with more is refused as it was."""
_OF_ALL = (*OF_DATABASE, WorkspaceGone, NotFound)
"""Errors that say nothing about what was sent."""


def may_be_of_a_record(error: Exception) -> bool:
    return not isinstance(error, _OF_ALL)


class Salvage:
    """Of one stream's part of a batch."""

    def __init__(self, write: Write, key: StreamKey, take: Take, leave_out: LeaveOut) -> None:
        self._write = write
        self._key = key
        self._take = take
        self._pass_over = leave_out
        self._left_out = 0

    def take(self, offset: int, data: bytes) -> int:
        """The stream's offset then. Raises what cannot be blamed on single records."""
        check_stream(self._key)
        return self._take_pieces(offset, spool.pieces(data) if self._key.is_spool else [data])

    def _take_pieces(self, offset: int, pieces: list[bytes]) -> int:
        data = b"".join(pieces)
        try:
            with self._write.apart():
                return self._take(offset, data)
        except Exception as error:
            if not may_be_of_a_record(error) or not self._key.is_spool:
                raise
            if len(pieces) == 1:
                return self._leave_out(offset, data, error)
        half = len(pieces) // 2
        reached = self._take_pieces(offset, pieces[:half])
        if reached < offset + sum(map(len, pieces[:half])):
            return reached
        return self._take_pieces(reached, pieces[half:])

    def _leave_out(self, offset: int, data: bytes, error: Exception) -> int:
        self._left_out += 1
        if self._left_out > _MOST:
            raise error
        if self._left_out == 1:
            _log.error("a record of run %s cannot be taken: %r", self._key.run_id, data[:200], exc_info=error)
        return self._pass_over(offset, len(data))
