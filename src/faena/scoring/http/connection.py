"""One client's connection: its requests become whole here, its answers leave in the order of those."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from faena.scoring.exchange import Answer
from faena.scoring.http import refusals
from faena.scoring.http.answering import CLOSES, At
from faena.scoring.http.parsing import ParsingConnection
from faena.scoring.http.shared import Shared

_log = logging.getLogger(__name__)


class Connection(ParsingConnection):
    """The listener looks at all of them now and then (`look`): a timer of each request's own costs more than it."""

    def __init__(
        self, shared: Shared, opened: Callable[[Connection], None], closed: Callable[[Connection], None]
    ) -> None:
        super().__init__(shared)
        self._opened = opened
        self._closed = closed
        self._give: Callable[[Connection], None] | None = None
        self._is_given = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._due = self._shared.now() + self.bounds.keep_alive_seconds
        self._opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed(self)
        self._release_body()
        self._parser = None
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._shared.buffer  # of all connections: what it holds is parsed before anybody else reads

    def buffer_updated(self, nbytes: int) -> None:
        if self._at is At.LINGERING:
            self._body_bytes += nbytes
            if self._body_bytes > self.bounds.linger_bytes:
                self.abort()
            return
        self._read_request(nbytes)
        self._flush()

    def _flush(self) -> None:
        super()._flush()
        if self._give is not None:
            self._give_if_idle()

    def eof_received(self) -> bool:
        """Whether the connection stays open for what is to be answered yet."""
        self._ends = True
        return bool(self._exchanges)

    # What its exchanges and its listener call

    def look(self, now: float) -> None:
        """Is something late?"""
        if not self._writing:
            size = self.unwritten
            if size < self._unsent[0]:
                self._unsent = (size, now)
            elif now - self._unsent[1] >= self.bounds.body_seconds:
                _log.warning("a client has not read its answer for %g s: closed", self.bounds.body_seconds)
                self.abort()
                return
        if now < self._due or not self._reading:
            return
        if self._at is At.HEAD:
            self._refuse_late(refusals.head_too_late(self.bounds.head_seconds))
        elif self._at in (At.BODY, At.UNREAD):
            if self._body_bytes - self._body_seen >= self.bounds.progress_bytes:
                self._body_seen = self._body_bytes
                self._due = now + self.bounds.body_seconds
            else:
                self._refuse_late(refusals.body_too_late(self.bounds))
        else:
            self.abort()

    def let_end(self) -> None:
        """With what is being answered, or what it asks next; that answer says so."""
        self._is_last = True
        if self._at is At.IDLE and self._exchanges:
            self._exchanges[-1].end = CLOSES

    def close_soon(self) -> None:
        """As `let_end`; one that asks nothing at the moment is closed."""
        self.let_end()
        if self.idle:
            self.close()

    def hand_over(self, give: Callable[[Connection], None]) -> None:
        """Have `give` called with it, once, when it is idle; nothing is read from it any more then."""
        if not self._is_given:
            self._give = give
            self._give_if_idle()

    def refuse_at_once(self, answer: Answer) -> None:
        """Before it has asked anything."""
        self._refuse_late(answer)

    # Between them

    def _give_if_idle(self) -> None:
        transport = self._transport
        if self._give is None or transport is None or self._feeding or not self.idle:
            return
        give, self._give = self._give, None
        self._is_given = True
        if transport.is_reading():
            transport.pause_reading()
        give(self)

    def _refuse_late(self, answer: Answer) -> None:
        self._now = self._shared.now()
        self._begin_refusal(answer, self._request)
        self._flush()
