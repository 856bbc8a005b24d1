"""Who is sent notices: a web server and a mail server of this process, on loopback."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue

_PATIENCE = 60.0


@dataclass
class Webhook:
    """`statuses`: of the next answers; 204 after those."""

    port: int
    statuses: list[int] = field(default_factory=list)
    came: Queue[tuple[str, dict[str, str], bytes]] = field(default_factory=Queue)

    def next(self) -> tuple[str, dict[str, str], bytes]:
        """Path, headers with names in lower case, and body of the next request."""
        return self.came.get(timeout=_PATIENCE)


@contextmanager
def webhook() -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = found.statuses.pop(0) if found.statuses else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{found.port}/elsewhere")
            self.end_headers()
            found.came.put((self.path, {name.lower(): value for name, value in self.headers.items()}, body))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Webhook(server.server_port)
        with _served(server):
            yield found


@dataclass
class Mail:
    port: int
    came: Queue[str] = field(default_factory=Queue)

    def next(self) -> str:
        return self.came.get(timeout=_PATIENCE)


@contextmanager
def mail_server() -> Iterator[Mail]:
    """Takes whatever it is sent."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                if line.upper().startswith(b"DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    while (line := self.rfile.readline()) != b".\r\n":
                        lines.append(line)
                    found.came.put(b"".join(lines).decode())
                self.wfile.write(b"250 fine\r\n")
                if line.upper().startswith(b"QUIT"):
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        found = Mail(server.server_address[1])
        with _served(server):
            yield found


@contextmanager
def _served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
