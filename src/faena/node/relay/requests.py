"""One connection of a client: its requests are read, looked at and asked of the server; the answers go back."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from faena.kernel.connections import Answer, Broken
from faena.kernel.shown_tokens import shown_token
from faena.node.relay.asking import Asker, Unreachable
from faena.node.relay.bodies import Body, ClientGone, Malformed, of_request

_OF_THE_CONNECTION = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("host", "expect", "authorization", "cookie"),
    }
)
"""Headers that are between a client and this machine."""
_KNOWN = 120.0
"""Seconds that a client of the run may say nothing, or take nothing."""
_BLOCK = 1 << 20
_MOST_PASSED_OVER = 1 << 20
"""Bytes of a body that are read for an answer which does not need it, of who has no token."""
_ANY = 1 << 60


class Asked(Protocol):
    """Whoever has the address."""

    token: str
    asker: Asker


class Requests(BaseHTTPRequestHandler):
    """Of one connection, until it ends. `server` is an `Asked`."""

    protocol_version = "HTTP/1.1"
    timeout = 10.0
    """Seconds in which a client says who it is."""
    server: Any

    def _answer(self) -> None:
        try:
            body = of_request(self.rfile, self.headers)
            if not self._is_of_the_run():
                self._refuse(body)
                return
            self.connection.settimeout(_KNOWN)
            headers = dict(_passed_on(self.headers))
            try:
                answer = self.server.asker.ask(self.command, self.path, body, headers)
            except Unreachable as error:
                self._say_unreachable(body, error)
                return
            body.pass_over(_ANY)  # of what was answered before its end
            self._pass_back(answer, headers)
        except (ClientGone, OSError):
            self.close_connection = True
        except (Malformed, ValueError) as error:  # http.client sends no header that holds a line's end
            self.close_connection = True
            self._say(400, "BAD_REQUEST", f"The request cannot be read: {error}.")

    def _is_of_the_run(self) -> bool:
        token = shown_token(self.headers.get_all("Authorization", []))
        return hmac.compare_digest(token.encode(), self.server.token.encode())

    def _refuse(self, body: Body) -> None:
        self.close_connection = True
        body.pass_over(_MOST_PASSED_OVER)
        self._say(
            401,
            "UNAUTHENTICATED",
            "This address is for the script of one run, which has its token as MLFLOW_TRACKING_TOKEN.",
        )

    def _say_unreachable(self, body: Body, error: Unreachable) -> None:
        """Once all is read: a client that is answered while it sends may not hear it."""
        body.pass_over(_ANY)
        self._say(
            503, "TEMPORARILY_UNAVAILABLE", f"The workspace's server is not reached: {error}. Try again."
        )

    def _say(self, status: int, code: str, message: str) -> None:
        data = json.dumps({"error_code": code, "message": message}).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _pass_back(self, answer: Answer, asked: dict[str, str]) -> None:
        """Raises OSError where the client takes it no more; it hears of an answer that broke off by its end."""
        try:
            has_body = self.command != "HEAD" and answer.status not in (204, 304)
            in_chunks = has_body and "Content-Length" not in answer.headers
            if in_chunks and self.request_version == "HTTP/1.0":
                in_chunks, self.close_connection = False, True
            self.send_response_only(answer.status)
            for name, value in _passed_on(answer.headers):
                self.send_header(name, value)
            if in_chunks:
                self.send_header("Transfer-Encoding", "chunked")
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if has_body:
                answer = self._pass_body_back(answer, asked, in_chunks=in_chunks)
        finally:
            answer.close()

    def _pass_body_back(self, answer: Answer, asked: dict[str, str], *, in_chunks: bool) -> Answer:
        """The answer that was read last: of a file that broke off the rest is asked for."""
        tag = answer.headers.get("ETag", "")
        is_file = self.command == "GET" and answer.status == 200 and tag and answer.left is not None
        sent, block = (
            0,
            memoryview(bytearray(_BLOCK if answer.left is None else max(1, min(_BLOCK, answer.left)))),
        )
        while True:
            try:
                count = answer.fill(block)
            except Broken as error:
                answer.close()
                if not is_file:
                    raise ConnectionError(str(error)) from error
                try:
                    answer = self.server.asker.rest(self.path, asked, tag, sent)
                except Unreachable as lost:
                    raise ConnectionError(str(lost)) from lost
                continue
            sent += count
            if in_chunks:
                self.wfile.write(b"%x\r\n%b\r\n" % (count, bytes(block[:count])))
            elif count:
                self.wfile.write(block[:count])
            if not count:
                return answer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name is the base's
        """The runner's own output is no log of requests."""


for _verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    setattr(Requests, f"do_{_verb}", Requests._answer)  # as the base finds what answers a verb


def _passed_on(headers: Message) -> Iterator[tuple[str, str]]:
    """Also without what `Connection` names."""
    own = {
        name.strip().lower() for value in headers.get_all("Connection", []) for name in value.split(",")
    } | _OF_THE_CONNECTION
    return ((name, value) for name, value in headers.items() if name.lower() not in own)
