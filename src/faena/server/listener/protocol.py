"""The protocol of a listener: uvicorn's, which bounds neither heads nor times nor connections, within bounds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import httptools
import msgspec
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from faena.server.errors import ErrorBody
from faena.server.listener import large_body
from faena.server.listener.bounds import Bounds
from faena.server.listener.cycle import Cycle
from faena.server.listener.large_body import LargeBody

_READ_AHEAD = 512 << 10
"""Bytes of a body that are read before it is asked for. uvicorn's own measure, 64 KiB, is less than one read brings:
each would pause the connection and have it go on.
"""
httptools_impl.HIGH_WATER_LIMIT = _READ_AHEAD  # type: ignore[attr-defined]  # where it looks for it
httptools_impl.RequestResponseCycle = Cycle  # type: ignore[misc,assignment]  # likewise
_LINGERING = 1.0
"""Seconds for which the sender of a refused request may read the answer: closing at once would take it from them."""
Prompt = Callable[[bytes, bytes, list[tuple[bytes, bytes]]], bytes | None]
"""By verb, address and headers of a request: its whole answer, whatever body comes, where that is known without
waiting for anything; None: the application is to be asked.
"""
_ANSWERED: Any = SimpleNamespace(response_complete=True, message_event=asyncio.Event())
"""In the place of uvicorn's cycle of a request and its answer, where none was needed."""
_log = logging.getLogger(__name__)


def _never(verb: bytes, address: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    return None


class Waiting:
    """The connections of one listener that wait: for a request, for the rest of one, for a body to be thrown away."""

    def __init__(self) -> None:
        self._since: dict[BoundedProtocol, None] = {}
        self.is_leaving = False
        """Whether whoever gets an answer is told to connect anew."""

    def add(self, connection: BoundedProtocol) -> None:
        self._since.pop(connection, None)
        self._since[connection] = None

    def remove(self, connection: BoundedProtocol) -> None:
        self._since.pop(connection, None)

    def oldest(self) -> BoundedProtocol | None:
        return next(iter(self._since), None)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `bounds`, `waiting` and `prompt` are those of its listener."""

    bounds: Bounds
    waiting: Waiting
    prompt: Prompt

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._late: asyncio.TimerHandle | None = None
        self._rests = False
        self._in_head = True
        self._in_body = False
        self._refused = False
        self._head = 0
        self._begins_with = 0
        self._body = 0
        self._unread = 0
        self._large = 0
        """Bytes of a large body whose head has just come."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            _log.warning("more than %d connections: the oldest that waits is closed", self.bounds.connections)
            (self.waiting.oldest() or self).give_way()
        self._wait(self.bounds.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._go_on()
        super().connection_lost(exc)
        if self.cycle is not None and (sending := getattr(self.cycle, "sending", None)) is not None:
            sending.cancel()  # now, as another connection may be given the number of its socket

    @property
    def is_moving(self) -> bool:
        """Whether a large body comes or goes: one that tells its length, and has much of it before it."""
        if self._is_answered:
            return False
        if self.transport.get_protocol() is not self:
            return True
        assert self.cycle is not None
        return self.cycle.chunked_encoding is False and self.cycle.expected_content_length >= large_body.LARGE

    def give_way(self) -> None:
        self.waiting.remove(self)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._refused or (self._in_body and self.cycle.response_complete):
            self._unread += len(data)
            if self._unread > self.bounds.unread_bytes:
                self.give_way()
        if self._refused or self.transport.is_closing():
            return
        if self._rests:
            self._rests, self._in_head, self._head = False, True, 0
        self._head += len(data) if self._in_head else 0
        self._begins_with = 0 if self._in_body else len(data)
        super().data_received(data)
        if self._in_head and self._head > self.bounds.head_bytes and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"{self.bounds.head_bytes} bytes")
        if self._large:
            left, self._large = self._large - self._body, 0
            if self._in_body and left > 0 and not (self._refused or self.transport.is_closing()):
                LargeBody(self, left, self._count, self._complete)
        self._set_time()

    def _count(self, size: int) -> bool:
        """That came of a large body. Whether somebody wants it still."""
        self._body += size
        if not self.cycle.response_complete:
            return True
        self._unread += size
        if self._unread > self.bounds.unread_bytes:
            self.give_way()
        return False

    def _complete(self) -> None:
        self.on_message_complete()
        self.parser = httptools.HttpRequestParser(self)  # the one before waits for the body still
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head, self._begins_with = self._begins_with, 0
        self._unread = 0

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        self._in_head, self._in_body = False, True
        self._body = 0
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.url) > self.bounds.address_bytes:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, f"{self.bounds.address_bytes} bytes")
        elif size > self.bounds.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"{self.bounds.head_bytes} bytes")
        elif len(self.headers) > self.bounds.headers:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"{self.bounds.headers} headers")
        elif len(self.pipeline) >= self.bounds.pipelined:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, f"{self.bounds.pipelined} requests before it")
        else:
            self._go_on()
            if self._is_answered and (answer := self._prompt_answer()) is not None:
                self.cycle = _ANSWERED
                self.transport.write(answer)
                return
            super().on_headers_complete()
            if self.waiting.is_leaving:
                self.cycle.keep_alive = False
            size = large_body.size_of(self.headers)
            self._large = size if size >= large_body.LARGE else 0

    @property
    def _is_answered(self) -> bool:
        """Whether all requests are whose heads have come."""
        return self.cycle is None or self.cycle.response_complete

    def _prompt_answer(self) -> bytes | None:
        if not self.parser.should_keep_alive():
            return None
        return type(self).prompt(self.parser.get_method(), self.url, self.headers)

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._refused:
            return
        self._in_body = False
        self._unset_late()
        super().on_message_complete()
        if self.cycle.response_complete:
            self._rest()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing() or not self.cycle.response_complete:
            return  # a request that was sent meanwhile is answered next
        if self._in_body:
            self._wait(self.bounds.unread_seconds)
        elif self._in_head:
            self._wait(self.bounds.head_seconds)
        else:
            self._rest()

    def _rest(self) -> None:
        """Wait for the next request: uvicorn has a time for that, which the first byte of one ends."""
        self._rests = True
        self.waiting.add(self)
        if self.timeout_keep_alive_task is None:  # it did not see the answer
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _set_time(self) -> None:
        """For the rest of what has begun to come. Most requests come whole, and need none."""
        if self._late is not None or self._refused or self.transport.is_closing():
            return
        if self._in_body:
            if self._is_answered:
                self._wait(self.bounds.unread_seconds)
            else:
                self._late = self.loop.call_later(self.bounds.body_seconds, self._look_at_body, 0)
        elif self._in_head and self._is_answered:
            self._wait(self.bounds.head_seconds)

    def _look_at_body(self, seen: int) -> None:
        """Close a connection whose body has not come on since it was looked at. One that we do not read may wait."""
        if self.flow.read_paused or self._body - seen >= self.bounds.body_bytes:
            self._late = self.loop.call_later(self.bounds.body_seconds, self._look_at_body, self._body)
        else:
            _log.warning("a request's body did not come on in %g s: closed", self.bounds.body_seconds)
            self.transport.close()

    def _wait(self, seconds: float) -> None:
        self._unset_late()
        self.waiting.add(self)
        self._late = self.loop.call_later(seconds, self.give_way)

    def _go_on(self) -> None:
        self._unset_late()
        self._rests = False
        self.waiting.remove(self)

    def _unset_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: HTTPStatus, most: str) -> None:
        """Say why, unless an earlier request is being answered; take no more than lets the sender read it."""
        _log.warning("a request was refused: %s, the most is %s", status.phrase, most)
        self._refused = True
        self._unread = 0
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        message = f"The request has more than {most}. Send less."
        self.transport.write(_answer(status, ErrorBody("UserErrorException", message)))
        self._wait(_LINGERING)


def _answer(status: HTTPStatus, said: ErrorBody) -> bytes:
    body = msgspec.json.encode(said)
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body


def bounded(bounds: Bounds, prompt: Prompt | None = None) -> type[asyncio.Protocol]:
    """The protocol of a listener of its own."""
    own = {"bounds": bounds, "waiting": Waiting(), "prompt": staticmethod(prompt or _never)}
    return type("BoundedProtocol", (BoundedProtocol,), own)
