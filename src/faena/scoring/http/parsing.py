"""The side of a connection that reads: what comes becomes whole requests, or a refusal that says what is wrong."""

from __future__ import annotations

import logging

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpRequestParser

from faena.scoring.exchange import Answer, Request
from faena.scoring.http import heads, refusals
from faena.scoring.http.answering import CLOSES, KEEPS, NO_END, STAYS, AnsweringConnection, At, Exchange
from faena.scoring.http.known_heads import END, LONGEST, KnownHead
from faena.scoring.http.shared import Shared

_log = logging.getLogger(__name__)
_OVERHEAD = 8
"""Times a body's bytes that its chunks may cost, beside as much as a head may have."""


class _Refused(Exception):
    """Ends the parsing of what has been read."""


class ParsingConnection(AnsweringConnection):
    """What is read goes through `_read_request`."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
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
        self._parsed: Request | None = None
        """Whose head was parsed last."""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._body_seen = 0
        """How many there were when it was looked at last."""
        self._overhead = 0
        """Bytes that came with the body and are none of it."""
        self._end = KEEPS
        self._plain_length = -1
        """Of the body of the request that was begun last, where nothing about it is special."""
        self._last_head = b""
        """Of the last read that was one whole request."""
        self._is_last = False
        """Whether no request is taken after the one that is being read, or was read last."""

    def _read_request(self, size: int) -> None:
        """So many bytes have come."""
        self._now = self._shared.now()
        self._read = size
        self._feeding = True
        try:
            if self._at is not At.IDLE or self._is_last or not self._take_whole(size):
                self._feed(self._shared.buffer[:size])
        finally:
            self._feeding = False

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._is_closing():
            raise _Refused
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
            if len(self._headers) > self.bounds.headers:  # a short one costs fifty times its bytes
                self._refuse(refusals.too_many_headers(self.bounds.headers))

    def on_headers_complete(self) -> None:
        parser, bounds, headers = self._parser, self.bounds, self._headers
        assert parser is not None
        if self._head_bytes + self._read > bounds.head_bytes:
            size = len(self._url) + sum([len(name) + len(value) + 4 for name, value in headers])
            if size > bounds.head_bytes:
                self._refuse(refusals.head_too_large(bounds.head_bytes))
        method, version = heads.method(parser.get_method()), parser.get_http_version()
        said = heads.read(method, version, headers)
        if said.wrong is not None:
            self._refuse(said.wrong)
        if said.upgrade and parser.should_upgrade():
            self._upgrades = heads.without_upgrade(method, version, self._url, headers)
            return
        if not parser.should_keep_alive() or self._is_last:
            self._end, self._is_last = CLOSES, True
        else:
            self._end = KEEPS if version == "1.1" else STAYS
        self._plain_length = -1 if said.chunked or said.expects or self._end is not KEEPS else said.length
        path, query = heads.target(self._url)
        request = self._request = self._parsed = Request(method, path, query, headers, b"", "", self._now)
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
        if self._is_last:  # which may have been decided since its head was read
            self._end = CLOSES
        exchange = Exchange(self, request, self._end)
        if self._body:
            exchange.held = self._body_bytes
            request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            self._body = []
        self._dispatch(exchange, request)

    # Between them

    def _feed(self, data: memoryview | bytes) -> None:
        parser = self._parser
        assert parser is not None
        self._fresh = False
        before = self._body_bytes
        rest: bytes | None = None
        try:
            parser.feed_data(data)
        except HttpParserUpgrade as error:
            rest = bytes(data[error.args[0] :])
        except HttpParserCallbackError as error:
            if not isinstance(error.__context__, _Refused):
                _log.error("a request could not be read", exc_info=error)
                self._begin_refusal(refusals.INTERNAL, None)
        except HttpParserError as error:
            if self._at is not At.LINGERING and not self._is_closing():
                self._begin_refusal(refusals.malformed(str(error)), None)
        if rest is not None:
            self._replay(rest)
            return
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
        if request is not None:
            answer = self._application.worded(request, answer)
        self._answered(Exchange(self, request, CLOSES), answer)

    def _take_whole(self, size: int) -> bool:
        """Take what was read as one request whose head is known; False where it is something else.

        A head that comes for the second time here is known from then on.
        """
        if size > self.bounds.progress_bytes:
            return False
        data = bytes(self._shared.buffer[:size])
        at = data.find(END, 0, LONGEST) + len(END)
        if at < len(END):
            return False
        head = data[:at]
        known = self._shared.known_heads.get(head)
        if known is None:
            if head == self._last_head:
                self._learn(head, data)
                return True
            self._last_head = head
            return False
        if known.length != size - at or size > self.bounds.body_bytes or at > self.bounds.head_bytes:
            return False
        request = Request(known.method, known.path, known.query, known.headers, data[at:], "", self._now)
        request.known = known.fields
        exchange = Exchange(self, request, KEEPS)
        if (refused := self._application.admit(request)) is not None:
            self._answered(exchange, refused)
        else:
            self._due = NO_END
            self._dispatch(exchange, request)
        return True

    def _learn(self, head: bytes, data: bytes) -> None:
        """Feed what was read, and keep its head if it was one request without anything special."""
        self._plain_length = -1
        self._feed(data)
        if self._at is not At.IDLE or not self._fresh or self._plain_length != len(data) - len(head):
            return
        made = self._parsed
        if made is not None:
            known = KnownHead(
                made.method, made.path, made.query, made.headers, made.fields, self._plain_length
            )
            self._shared.known_heads.add(head, known)

    def _is_closing(self) -> bool:
        """Whether what comes now comes after a request that said it was the last one."""
        return self._closing or (bool(self._exchanges) and self._exchanges[-1].end is CLOSES)

    def _release_body(self) -> None:
        if self._body:
            self._shared.held -= sum(map(len, self._body))
            self._body = []
