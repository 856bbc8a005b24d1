"""The side of a connection that answers: in the order of the requests, each time all that is ready with one write."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from enum import Enum

from faena.scoring.exchange import Answer, Request
from faena.scoring.http import refusals, responses
from faena.scoring.http.shared import Shared

_log = logging.getLogger(__name__)
NO_END = float("inf")
KEEPS, CLOSES, STAYS = b"\r\n", b"connection: close\r\n\r\n", b"connection: keep-alive\r\n\r\n"


class At(Enum):
    """Where the bytes that come next belong."""

    IDLE = 0
    HEAD = 1
    BODY = 2
    UNREAD = 3
    """A body whose request has been refused already."""
    LINGERING = 4
    """Nowhere: the connection is about to close."""


class Exchange:
    """One request and its answer, which waits for those before it."""

    __slots__ = ("answer", "connection", "end", "held", "request")

    def __init__(self, connection: AnsweringConnection, request: Request | None, end: bytes) -> None:
        self.connection = connection
        self.request = request
        self.end = end
        self.held = 0
        """Bytes of a body that counts until it is answered."""
        self.answer: Answer | None = None

    def reply(self, answer: Answer) -> None:
        if self.answer is not None:
            _log.error("a request was answered twice: %d, then %d", self.answer.status, answer.status)
            return
        self.answer = answer
        if self.held:
            self.connection.release(self)
        self.connection.answer(self)


class AnsweringConnection(asyncio.BufferedProtocol):
    """What the other side, which reads, brings to be answered."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._application = shared.application
        self.bounds = shared.bounds
        self._transport: asyncio.Transport | None = None
        self._at = At.IDLE
        self._due = NO_END
        self._feeding = False
        self._continue = False
        self._ends = False
        """The client sends no more."""
        self._closing = False
        """Once what is ready has been written."""
        self._exchanges: deque[Exchange] = deque()
        """Unanswered, or answered behind one that is not."""
        self._backlog: deque[Exchange] = deque()
        """Of those, the ones that nobody works on yet."""
        self._running = 0
        self._dispatching = False
        self._out: list[bytes] = []
        self._reading = True
        self._writing = True
        self._unsent: tuple[int, float] = (0, 0.0)

    @property
    def idle(self) -> bool:
        """Whether it is between two requests, and owes no byte."""
        return (
            self._at is At.IDLE
            and not self._exchanges
            and not self._ends
            and self._transport is not None
            and not self._transport.is_closing()
            and not self.unwritten
        )

    @property
    def transport(self) -> asyncio.Transport | None:
        return self._transport

    @property
    def unwritten(self) -> int:
        """Bytes of answers that the client has not taken."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Once what has been written is sent. A transport of TLS that is closed twice answers nothing any more."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._exchanges:
            self._shared.left_early += 1
        for exchange in self._backlog:
            exchange.answer = refusals.LEFT  # nobody has worked on it, and nobody would read it
            self.release(exchange)
        for exchange in self._exchanges:
            if exchange.request is not None and exchange.answer is not None:
                self._application.answered(exchange.request, exchange.answer, self._shared.now())
        self._backlog.clear()
        self._exchanges.clear()
        self._transport = None

    def pause_writing(self) -> None:
        self._writing = False
        self._unsent = (self.unwritten, self._shared.now())
        self._set_reading()

    def resume_writing(self) -> None:
        self._writing = True
        self._dispatch_backlog()
        self._set_reading()

    def release(self, exchange: Exchange) -> None:
        """Its body is needed no more."""
        self._shared.held -= exchange.held
        exchange.held = 0

    def answer(self, exchange: Exchange) -> None:
        self._running -= 1
        if self._transport is None:  # the client has left
            assert exchange.request is not None
            assert exchange.answer is not None
            self._application.answered(exchange.request, exchange.answer, self._shared.now())
            return
        if self._exchanges and self._exchanges[0] is exchange:
            self._send_ready()
            if not self._feeding:
                self._flush()
        if self._backlog and not self._dispatching:
            self._dispatch_backlog()
            self._set_reading()

    def _dispatch(self, exchange: Exchange, request: Request) -> None:
        """Have somebody work on it, unless too many of this connection are worked on."""
        self._exchanges.append(exchange)
        if self._running < self.bounds.in_flight and self._writing and not self._backlog:
            self._running += 1
            self._application.handle(request, exchange.reply)
        else:
            self._backlog.append(exchange)
            self._set_reading()

    def _answered(self, exchange: Exchange, answer: Answer) -> None:
        """Without anybody having worked on it."""
        exchange.answer = answer
        if exchange.request is None:
            self._application.refused(answer)
        self._exchanges.append(exchange)
        if self._exchanges[0] is exchange:
            self._send_ready()

    def _send_ready(self) -> None:
        exchanges, shared = self._exchanges, self._shared
        now = shared.now()
        while exchanges and (answer := exchanges[0].answer) is not None:
            exchange = exchanges.popleft()
            request = exchange.request
            common = shared.dates.line()
            if request is None:
                self._out.append(responses.rendered(answer, common, exchange.end, bodiless=False))
            else:
                common += self._application.answered(request, answer, now)
                bodiless = request.method == "HEAD"
                self._out.append(responses.rendered(answer, common, exchange.end, bodiless=bodiless))
            if exchange.end is CLOSES:
                self._closing = True
                return
            if len(self._out) >= self.bounds.in_flight:
                self._flush()
        if not exchanges and self._at is At.IDLE:
            self._due = now + self.bounds.keep_alive_seconds

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        if self._continue and not self._exchanges:
            self._continue = False
            self._out.append(responses.CONTINUE)
        if self._out:
            transport.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out.clear()
        if self._closing:
            self._closing = False
            if self._at is At.LINGERING and not self._ends and transport.can_write_eof():
                self._due = self._shared.now() + self.bounds.linger_seconds
                transport.write_eof()
            else:
                self._at = At.LINGERING
                self.close()
        elif self._ends and not self._exchanges:
            self.close()

    def _dispatch_backlog(self) -> None:
        self._dispatching = True
        try:
            while self._backlog and self._writing and self._running < self.bounds.in_flight:
                exchange = self._backlog.popleft()
                self._running += 1
                assert exchange.request is not None
                self._application.handle(exchange.request, exchange.reply)
        finally:
            self._dispatching = False

    def _set_reading(self) -> None:
        """Take no more from a client that does not take its answers, or sends requests ahead of them."""
        wanted = self._writing and not self._backlog
        transport = self._transport
        if transport is None or wanted is self._reading or transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            transport.resume_reading()
            self._due = max(self._due, self._shared.now() + self.bounds.head_seconds)
        else:
            transport.pause_reading()
