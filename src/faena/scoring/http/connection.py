"""One client's connection: its requests become whole here, its answers leave in the order of those."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from faena.scoring.exchange import Answer, Request
from faena.scoring.http import heads, refusals
from faena.scoring.http.answering import CLOSES, KEEPS, NO_END, STAYS, AnsweringConnection, At, Exchange
from faena.scoring.http.shared import Shared

_log = logging.getLogger(__name__)
_OVERHEAD = 8
"""Times a body's bytes that its chunks may cost, beside as much as a head may have."""


class _Refused(Exception):
    """Ends the parsing of what has been read."""


class Connection(AnsweringConnection):
    """The listener looks at all of them now and then (`look`): a timer of each request's own costs more than it."""

    def __init__(
        self, shared: Shared, opened: Callable[[Connection], None], closed: Callable[[Connection], None]
    ) -> None:
        super().__init__(shared)
        self._opened = opened
        self._closed = closed
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self._now = 0.0
        """When what is being read came."""
        self._read = 0
        """Bytes of it."""
        self._fresh = False
        """Whether a request began in it."""
        self._head_bytes = 0
        """Of the request whose head is not whole, those that came before."""
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._upgrades = b""
        """The head of a request that offers another protocol, without the offer."""
        self._request: Request | None = None
        """Whose body is not whole."""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._body_seen = 0
        """How many there were when it was looked at last."""
        self._overhead = 0
        """Bytes that came with the body and are none of it."""
        self._end = KEEPS
        self._is_last = False
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
        self._now = self._shared.now()
        self._read = nbytes
        self._feeding = True
        try:
            self._feed(self._shared.buffer[:nbytes])
        finally:
            self._feeding = False
            self._flush()

    def _flush(self) -> None:
        super()._flush()
        if self._give is not None:
            self._give_if_idle()

    def eof_received(self) -> bool:
        """Whether the connection stays open for what is to be answered yet."""
        self._ends = True
        return bool(self._exchanges)

    # What the parser calls

    def on_message_begin(self) -> None:
        self._fresh = True
        self._at = At.HEAD
        self._due = self._now + self.bounds.head_seconds
        self._head_bytes = 0
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._at is At.HEAD:  # what comes after a body is nobody's to trust
            self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        parser, bounds, headers = self._parser, self.bounds, self._headers
        assert parser is not None
        if self._head_bytes + self._read > bounds.head_bytes:
            size = len(self._url) + sum([len(name) + len(value) + 4 for name, value in headers])
            if size > bounds.head_bytes:
                self._refuse(refusals.head_too_large(bounds.head_bytes))
        if len(headers) > bounds.headers:
            self._refuse(refusals.too_many_headers(bounds.headers))
        method, version = heads.method(parser.get_method()), parser.get_http_version()
        said = heads.read(method, version, headers)
        if said.wrong is not None:
            self._refuse(said.wrong)
        if said.upgrade and parser.should_upgrade():
            self._upgrades = heads.without_upgrade(method, version, self._url, headers)
            return
        if not parser.should_keep_alive() or self._is_last:
            self._end = CLOSES
        else:
            self._end = KEEPS if version == "1.1" else STAYS
        path, query = heads.target(self._url)
        request = self._request = Request(method, path, query, headers, b"", "", self._now)
        self._body_bytes = self._body_seen = self._overhead = 0
        self._at = At.BODY
        self._due = self._now + bounds.body_seconds
        if (refused := self._application.admit(request)) is not None:
            self._refuse_head(request, refused, said)
        elif said.length > bounds.body_bytes:
            self._refuse(refusals.body_too_large(bounds.body_bytes), request)
        elif said.expects and (said.length or said.chunked):
            self._continue = True

    def on_body(self, body: bytes) -> None:
        size = len(body)
        self._body_bytes += size
        if self._at is not At.BODY:
            return
        self._continue = False  # it did not wait to be asked
        if self._body_bytes > self.bounds.body_bytes:
            self._refuse(refusals.body_too_large(self.bounds.body_bytes), self._request)
        self._body.append(body)
        self._shared.held += size
        if self._shared.held > self.bounds.held_bytes:
            self._refuse(refusals.bodies_too_large(self.bounds.held_bytes), self._request)

    def on_message_complete(self) -> None:
        if self._upgrades:
            return
        at, self._at = self._at, At.IDLE
        if at is At.UNREAD:
            self._due = NO_END if self._exchanges else self._now + self.bounds.keep_alive_seconds
            return
        self._due = NO_END
        request = self._request
        assert request is not None
        self._request = None
        self._continue = False
        if self._body:
            self._shared.held -= self._body_bytes
            request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            self._body = []
        exchange = Exchange(self, request, self._end)
        self._exchanges.append(exchange)
        if self._running < self.bounds.in_flight and self._writing and not self._backlog:
            self._running += 1
            self._application.handle(request, exchange.reply)
        else:
            self._backlog.append(exchange)
            self._set_reading()

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

    @property
    def idle(self) -> bool:
        """Whether it is between two requests, and owes no byte."""
        return (
            self._at is At.IDLE
            and not self._exchanges
            and not self._ends
            and self._transport is not None
            and not self.unwritten
        )

    def close_soon(self) -> None:
        """After what is being answered; the last answer says so."""
        self._is_last = True
        if self.idle and self._transport is not None:
            self._transport.close()
        elif self._at is At.IDLE and self._exchanges:
            self._exchanges[-1].end = CLOSES

    def hand_over(self, give: Callable[[Connection], None]) -> None:
        """Have `give` called with it, once, when it is idle; nothing is read from it any more then."""
        if not self._is_given:
            self._give = give
            self._give_if_idle()

    def refuse_at_once(self, answer: Answer) -> None:
        """Before it has asked anything."""
        self._refuse_late(answer)

    # Between them

    def _feed(self, data: memoryview | bytes) -> None:
        parser = self._parser
        assert parser is not None
        self._fresh = False
        before = self._body_bytes
        try:
            parser.feed_data(data)
        except HttpParserUpgrade as error:
            self._replay(bytes(data[error.args[0] :]))
        except HttpParserCallbackError as error:
            if not isinstance(error.__context__, _Refused):
                _log.error("a request could not be read", exc_info=error)
                self._begin_refusal(refusals.INTERNAL, None)
        except HttpParserError as error:
            if self._at is not At.LINGERING and not self._is_closing():
                self._begin_refusal(refusals.malformed(str(error)), None)
        if self._at is At.HEAD:
            self._head_bytes += 0 if self._fresh and self._exchanges else self._read
            if self._head_bytes > self.bounds.head_bytes:
                self._begin_refusal(refusals.head_too_large(self.bounds.head_bytes), None)
        elif (self._at is At.BODY or self._at is At.UNREAD) and not self._fresh:
            self._overhead += self._read - (self._body_bytes - before)
            if self._overhead > 2 * self.bounds.head_bytes + _OVERHEAD * self._body_bytes:
                self._begin_refusal(refusals.too_much_framing(self.bounds.head_bytes), self._request)

    def _replay(self, rest: bytes) -> None:
        """Read a request that offers another protocol as if it had not: its body was left to that protocol."""
        head, self._upgrades = self._upgrades, b""
        self._parser = HttpRequestParser(self)
        self._feed(head + rest)

    def _refuse_head(self, request: Request, answer: Answer, said: heads.Said) -> None:
        """A short body is read all the same, and the connection stays."""
        if said.expects or said.chunked or said.length > self.bounds.progress_bytes:
            self._refuse(answer, request)
        self._at = At.UNREAD
        self._request = None
        self._answered(Exchange(self, request, self._end), answer)

    def _give_if_idle(self) -> None:
        transport = self._transport
        if self._give is None or transport is None or self._feeding or not self.idle:
            return
        give, self._give = self._give, None
        self._is_given = True
        if transport.is_reading():
            transport.pause_reading()
        give(self)

    def _refuse(self, answer: Answer, request: Request | None = None) -> None:
        """From within the parser."""
        self._begin_refusal(answer, request)
        raise _Refused

    def _begin_refusal(self, answer: Answer, request: Request | None) -> None:
        """The last answer of this connection; what comes yet is thrown away, for as long as it takes to read it."""
        self._release_body()
        self._at = At.LINGERING
        self._due = NO_END
        self._body_bytes = 0
        self._request = None
        self._continue = False
        self._answered(Exchange(self, request, CLOSES), answer)

    def _refuse_late(self, answer: Answer) -> None:
        self._now = self._shared.now()
        self._begin_refusal(answer, self._request)
        self._flush()

    def _is_closing(self) -> bool:
        """Whether what comes now comes after a request that said it was the last one."""
        return self._closing or (bool(self._exchanges) and self._exchanges[-1].end is CLOSES)

    def _release_body(self) -> None:
        if self._body:
            self._shared.held -= sum(map(len, self._body))
            self._body = []
