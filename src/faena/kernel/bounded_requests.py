"""One HTTP request to a server that is not ours, within bounds of time and size. Redirections are not followed."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    """Empty, where none was wanted."""


class TooLarge(ValueError):
    """An answer has more bytes than are taken."""


def exchange(
    connection: http.client.HTTPConnection,
    verb: str,
    target: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    seconds: float,
    most: int = 0,
) -> Answer:
    """`seconds`: of all of it, however it trickles; the connection's own timeout bounds each silence. `most`: bytes of
    the answer's body; 0: it is not read.

    Raises OSError (TimeoutError where the time was up), http.client.HTTPException, ValueError and TooLarge.
    """
    ends = time.monotonic() + seconds
    ending = threading.Timer(seconds, _cut, [connection])
    ending.daemon = True
    ending.start()
    try:
        connection.request(verb, target, body, dict(headers or {}))
        with contextlib.closing(connection.getresponse()) as answer:  # it holds the socket open
            return Answer(answer.status, _read(answer, most, ends) if most else b"")
    except (OSError, http.client.HTTPException):
        if time.monotonic() >= ends:  # what a cut connection says is another thing each time
            raise TimeoutError(f"no whole answer came within {seconds:g} s") from None
        raise
    finally:
        ending.cancel()
        connection.close()


def _read(answer: http.client.HTTPResponse, most: int, ends: float) -> bytes:
    length = answer.getheader("Content-Length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > most):
        raise TooLarge(f"the answer has more than {most:,} bytes")
    parts: list[bytes] = []
    size = 0
    while part := answer.read1(1 << 16):
        size += len(part)
        if size > most:
            raise TooLarge(f"the answer has more than {most:,} bytes")
        parts.append(part)
        if time.monotonic() >= ends:
            break
    if time.monotonic() >= ends:  # a connection that was cut reads like one that has ended
        raise TimeoutError("its time was up")
    if answer.length:  # bytes that were promised, and did not come
        raise http.client.IncompleteRead(b"", answer.length)
    return b"".join(parts)


def _cut(connection: http.client.HTTPConnection) -> None:
    if (sock := connection.sock) is not None:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            sock.shutdown(socket.SHUT_RDWR)
