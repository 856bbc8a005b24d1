"""An S3 server for tests, from a wheel, and a way to it that can be spoilt: refuse, wait, or change what comes."""

from __future__ import annotations

import ctypes
import http.client
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from faena.testing.waiting import until

BUCKET = "faena"
KEY, SECRET = "faena-tests", "faena-tests-secret"
_SET_PDEATHSIG = 1
_ADDRESS = re.compile(r"\[http://127\.0\.0\.1:(\d+)/")


class Unavailable(Exception):
    """There can be no server here; the message says why."""


class S3Server:
    """It has one bucket, `BUCKET`, which is a folder of `folder`. Ends with the process that made it."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        """`folder`: need not be there. `port`: 0: a free one. Raises Unavailable."""
        program = Path(sys.executable).with_name("rclone")
        if not program.exists() and shutil.which("rclone") is None:
            raise Unavailable("rclone, the S3 server of the tests, is not installed: make .venv/.dev")
        self._program = str(program) if program.exists() else "rclone"
        self.folder = folder / "data"
        self.port = port
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        (self.folder / BUCKET).mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Once it listens, at the port that it had before. Raises Unavailable."""
        self._log.unlink(missing_ok=True)
        command = [self._program, "serve", "s3", str(self.folder)]
        command += [f"--addr=127.0.0.1:{self.port}", f"--auth-key={KEY},{SECRET}", f"--log-file={self._log}"]
        environment = {**os.environ, "RCLONE_CONFIG": os.devnull, "GOMAXPROCS": "2"}
        process = self._process = subprocess.Popen(command, env=environment, preexec_fn=_end_with_parent)
        self.port = until(lambda: _port(process, self._log), "the S3 server listens", seconds=60)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """Of a prefix of its own in the bucket, as a server's setting."""
        return f"s3://{BUCKET}/{secrets.token_hex(4)}/a?endpoint={self.endpoint}&region=eu-west-1"


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[S3Server]:
    """Until the block ends. `folder`, `port`: of `S3Server`. Raises Unavailable."""
    server = S3Server(folder, port)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    said = log.read_text() if log.exists() else ""
    if process.poll() is not None:
        raise Unavailable(f"rclone has ended: {said}")
    found = _ADDRESS.search(said)
    return int(found[1]) if found else 0


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Way:
    """To a server, by a port of its own. `spoil` is given verb and path, and may answer in its place."""

    port: int = 0
    spoil: Callable[[str, str], int] = lambda verb, path: 0
    """A status to answer with; 0: the server answers."""
    change: Callable[[bytes], bytes] = lambda body: body
    """What becomes of the bytes that it answers with."""
    send: Callable[[bytes], Iterable[bytes]] = lambda body: (body,)
    """The parts in which it goes out; where they are fewer bytes the connection ends with them."""
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def way_to(server: S3Server) -> Iterator[Way]:
    way = Way()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            way.asked.append((self.command, self.path))
            if status := way.spoil(self.command, self.path):
                self._answer(status, {}, b"")
                return
            there = http.client.HTTPConnection("127.0.0.1", server.port)
            try:
                there.request(self.command, self.path, body, dict(self.headers))
                answer = there.getresponse()
                self._answer(answer.status, dict(answer.getheaders()), way.change(answer.read()))
            finally:
                there.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            kept = {name: value for name, value in headers.items() if name.lower() not in _OF_THE_CONNECTION}
            for name, value in {**kept, "Content-Length": length}.items():
                self.send_header(name, value)
            self.end_headers()
            sent = 0
            with suppress(ConnectionError):  # whoever asked has left
                for part in way.send(body):
                    self.wfile.write(part)
                    sent += len(part)
            self.close_connection = sent < len(body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815  the names that the library calls

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  the library's name
            return None

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    way.port = listener.server_address[1]
    serving = threading.Thread(target=listener.serve_forever, args=(0.02,))
    serving.start()
    try:
        yield way
    finally:
        listener.shutdown()
        serving.join()
        listener.server_close()


_OF_THE_CONNECTION = ("content-length", "transfer-encoding", "connection", "date")
