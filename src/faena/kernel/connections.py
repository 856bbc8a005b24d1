"""HTTP to one server over connections that are kept.

By `http.client`: what a library for all servers there are would add is not needed here, and loads for longer than
anything else that a client or a runner begins with.
"""

from __future__ import annotations

import select
import ssl
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import quote

_KEPT = 8
_SLICE = 64 << 10
"""Bytes of which some may come for nothing where an answer breaks off."""
_FILLING = 0.5
_HEARD_ENOUGH = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError)
"""How a request fails to be sent to who has answered it before its end, and may have said why."""
_UNQUOTED = "!#$%&'()*+,/:;=?@[]~"
"""Of an address, besides letters and digits, what is sent as it is."""


class NotConnected(Exception):
    """Nobody listens."""


class Broken(Exception):
    """A connection ended, or was silent for too long, or what came is no HTTP."""


class Answer:
    """Its body is in `data`, or still to be read; each way of reading raises Broken where not all of it comes."""

    def __init__(self, response: HTTPResponse, release: Callable[[], None]) -> None:
        self.status = response.status
        self.headers: Message = response.headers
        self.data = b""
        self._response = response
        self._release: Callable[[], None] | None = release
        self._failure: Broken | None = None

    @property
    def left(self) -> int | None:
        """Bytes that are to come, as far as the answer said how many there are."""
        return self._response.length

    def read(self, amount: int | None = None) -> bytes:
        """All, or `amount` bytes, or fewer where there are no more."""
        expected = self._expected(amount)
        with _broken():
            data = self._response.read(amount)
        return self._checked(data, expected)

    def read1(self, amount: int) -> bytes:
        """What has come, waiting for the first byte; empty at the end."""
        expected = self._expected(amount)
        with _broken():
            data = self._response.read1(amount)
        return self._checked(data, min(expected, 1))

    def fill(self, buffer: memoryview) -> int:
        """Read into a buffer until it is full or half a second has passed; how many bytes came, 0 at the end.

        What had come when it broke off is told first: it raises Broken the next time.
        """
        if self._failure is not None:
            raise self._failure
        at, until = 0, time.monotonic() + _FILLING
        try:
            while at < len(buffer) and time.monotonic() < until:
                part = buffer[at : at + _SLICE]
                expected = min(self._expected(len(part)), 1)
                with _broken():
                    count = self._response.readinto(part)
                if count < expected:
                    raise Broken("it ended too soon")
                at += count
                if not count:
                    break
        except Broken as error:
            if not at:
                raise
            self._failure = error
        return at

    def parts(self, amount: int) -> Iterator[bytes]:
        """All of it, as it comes."""
        return iter(lambda: self.read1(amount), b"")

    def close(self) -> None:
        """The connection serves the next request, if the body was read to its end. Again it does nothing."""
        release, self._release = self._release, None
        if release is not None:
            release()

    def _expected(self, amount: int | None) -> int:
        """Bytes that must come, as far as the answer said how many there are."""
        left = self._response.length or 0
        return left if amount is None else min(amount, left)

    def _checked(self, data: bytes, expected: int) -> bytes:
        if len(data) < expected:
            raise Broken(f"it ended {expected - len(data):,} bytes too soon")
        return data


class _Body:
    """What is sent in parts: that these cannot be had is told apart from a connection that breaks."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        except Exception as error:
            self.failure = error
            raise


class Connections:
    """To one server. For several threads: each request has a connection for itself.

    `make`: one to be opened, which gives up after so many seconds.
    """

    def __init__(self, make: Callable[[float], HTTPConnection]) -> None:
        self._make = make
        self._idle: list[HTTPConnection] = []
        self._closed = False
        weakref.finalize(self, _close_all, self._idle)

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
        *,
        connecting: float,
        answering: float,
        preload: bool,
    ) -> Answer:
        """The answer, its body read where `preload` says so.

        `connecting`: seconds in which a connection must open and take the request; `answering`: those of silence
        that are allowed. Raises NotConnected, Broken, and SSLError for a server that is not who it should be.
        """
        connection = self._take() or self._open(connecting)
        given = body if body is None or isinstance(body, bytes) else _Body(body)
        try:
            with _broken():
                connection.sock.settimeout(connecting)
                with suppress(*_HEARD_ENOUGH):
                    connection.request(method, quote(target, safe=_UNQUOTED), given, headers)
                if isinstance(given, _Body) and given.failure is not None:
                    raise given.failure
                connection.sock.settimeout(answering)
                response = connection.getresponse()
            answer = Answer(response, lambda: self._give_back(connection, response))
            if preload:
                answer.data = answer.read()
                answer.close()
        except BaseException:
            connection.close()
            raise
        return answer

    def close(self) -> None:
        """Those that are in use are closed when they are given back."""
        self._closed = True
        _close_all(self._idle)

    def _open(self, seconds: float) -> HTTPConnection:
        connection = self._make(seconds)
        try:
            connection.connect()
        except (
            ssl.SSLEOFError,
            ssl.SSLZeroReturnError,
            ssl.SSLSyscallError,
        ) as error:  # it was cut: nothing is said
            connection.close()
            raise NotConnected(str(error)) from error
        except ssl.SSLError:
            connection.close()
            raise
        except OSError as error:
            connection.close()
            raise NotConnected(str(error)) from error
        return connection

    def _take(self) -> HTTPConnection | None:
        """One that the server has not ended meanwhile."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            poll = select.poll()
            poll.register(connection.sock, select.POLLIN)
            if not poll.poll(0):
                return connection
            connection.close()

    def _give_back(self, connection: HTTPConnection, response: HTTPResponse) -> None:
        is_whole = response.isclosed() or response.length == 0
        response.close()
        if is_whole and connection.sock is not None and not self._closed and len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()


@contextmanager
def _broken() -> Iterator[None]:
    try:
        yield
    except (HTTPException, OSError) as error:
        raise Broken(str(error) or type(error).__name__) from error


def _close_all(idle: list[HTTPConnection]) -> None:
    while idle:
        idle.pop().close()
