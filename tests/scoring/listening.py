"""A listener in a thread of its own, an application that answers by itself, and clients that send any bytes."""

from __future__ import annotations

import asyncio
import re
import socket as sockets
import ssl
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faena.scoring.desired import Limits
from faena.scoring.exchange import Answer, Reply, Request
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.listener import Listener, bind
from faena.scoring.http.responses import refusal


class Echo:
    """`/echo` answers with the body, `/held` when told to, `/large?N` with N bytes; `/refused` is not admitted."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.held: list[tuple[Request, Reply]] = []
        self.seen: list[Request] = []

    def admit(self, request: Request) -> Answer | None:
        return refusal(401, "No key.") if request.path == "/refused" else None

    def worded(self, request: Request, answer: Answer) -> Answer:
        return answer

    def handle(self, request: Request, reply: Reply) -> None:
        self.seen.append(request)
        if request.path == "/held":
            self.held.append((request, reply))
        elif request.path == "/large":
            reply(Answer(200, b"x" * int(request.query)))
        elif request.path == "/split":
            reply(
                Answer(
                    200, b"", headers=((b"x-good", b"1"), (b"x-bad", b"1\r\nx-smuggled: 1"), (b"Date", b"1"))
                )
            )
        else:
            reply(Answer(200, request.body, b"text/plain"))

    def answered(self, request: Request, answer: Answer, now: float) -> bytes:
        self.counts[answer.status] += 1
        return b""

    def refused(self, answer: Answer) -> None:
        self.counts[answer.status] += 1


@dataclass(frozen=True)
class Served:
    port: int
    application: Echo
    listener: Listener
    loop: asyncio.AbstractEventLoop

    def call(self, work: Callable[[], object]) -> None:
        """In the loop's thread, and wait for it."""
        done = threading.Event()

        def run() -> None:
            work()
            done.set()

        self.loop.call_soon_threadsafe(run)
        assert done.wait(30)

    def answer_held(self, *order: int) -> None:
        """Those requests that wait, by their places."""

        def answer() -> None:
            for place in order:
                request, reply = self.application.held[place]
                reply(Answer(200, request.query, b"text/plain"))

        self.call(answer)


@contextmanager
def serving(
    limits: Limits | None = None, *, tls: ssl.SSLContext | None = None, bounds: Bounds | None = None
) -> Iterator[Served]:
    ready: list[Served] = []
    started = threading.Event()
    stop: list[asyncio.Event] = []

    async def main() -> None:
        application = Echo()
        listener = Listener(application, bounds or Bounds.of(limits or Limits()))
        socket = bind("127.0.0.1", 0)
        await listener.listen(socket, tls)
        stop.append(asyncio.Event())
        ready.append(Served(socket.getsockname()[1], application, listener, asyncio.get_running_loop()))
        started.set()
        await stop[0].wait()
        await listener.drain(0.0)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert started.wait(30)
        yield ready[0]
    finally:
        if ready:
            ready[0].loop.call_soon_threadsafe(stop[0].set)
        thread.join(30)


@dataclass(frozen=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection; what it is sent comes as it is."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        raw = sockets.create_connection(("127.0.0.1", port), timeout=30)
        self.socket = tls.wrap_socket(raw, server_hostname="localhost") if tls else raw
        self._rest = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, path: str = "/echo", body: bytes = b"", *, method: str = "POST", headers: str = "") -> Got:
        self.send(request(path, body, method=method, headers=headers))
        return self.answer(bodiless=method == "HEAD")

    def answer(self, *, bodiless: bool = False) -> Got:
        head = self._until(b"\r\n\r\n").decode()
        status, *lines = head.split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Za-z -]+", status)
        assert found, status
        headers = dict(line.split(": ", 1) for line in lines if line)
        size = 0 if bodiless or found[1] == "100" else int(headers.get("content-length", 0))
        while len(self._rest) < size:
            self._more()
        body, self._rest = self._rest[:size], self._rest[size:]
        return Got(int(found[1]), headers, body)

    def is_closed(self) -> bool:
        """Whether nothing more comes, and the other side has closed."""
        assert not self._rest
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            self._more()
        found, self._rest = self._rest.split(end, 1)
        return found

    def _more(self) -> None:
        data = self.socket.recv(1 << 20)
        assert data, f"closed after {self._rest!r}"
        self._rest += data


def request(path: str = "/echo", body: bytes = b"", *, method: str = "POST", headers: str = "") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\n{length}{headers}\r\n".encode() + body


def certify(certificate: Path, key: Path) -> None:
    """Make a new certificate for `localhost`, and its key."""
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
