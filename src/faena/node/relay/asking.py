"""Asks the server what a client of MLflow asks, and goes on asking for some seconds where it cannot be reached."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping
from ssl import SSLError

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.kernel.connections import Answer, Broken, NotConnected
from faena.kernel.errors import WorkspaceGone
from faena.node.relay.bodies import Body

_HOLDING = 60.0
"""Seconds for which a request, or the rest of an answer, waits for the server. Clients wait for 120; the script is
ended before, where its node has no lease any more."""
NAME = "Faena-Request"
"""The header by which the server knows a request that it has answered, where the answer did not come."""
_RANGE = re.compile(r"bytes (\d{1,18})-")


class Unreachable(Exception):
    """The server could not be asked, or its answer broke off."""


class Asker:
    """For the script of one attempt. Several threads may ask."""

    def __init__(self, api: ServerApi, key: AttemptKey) -> None:
        self._api = api
        self._key = key
        self._closed = threading.Event()

    def close(self) -> None:
        """Who waits for the server waits no longer."""
        self._closed.set()

    def ask(self, method: str, target: str, body: Body, headers: Mapping[str, str]) -> Answer:
        """The answer, its body still to be read. Raises Unreachable, and as `Body.parts` does."""
        until = time.monotonic() + _HOLDING
        named = {**headers, NAME: os.urandom(16).hex()}
        while True:
            try:
                return self._ask(method, target, body, named)
            except Unreachable:
                if body.is_begun or not self._may_try_again(until):
                    raise

    def rest(self, target: str, headers: Mapping[str, str], tag: str, start: int) -> Answer:
        """Of a file whose answer broke off: its bytes from `start` on. Raises Unreachable, also where it is another."""
        until = time.monotonic() + _HOLDING
        wanted = {**headers, "Range": f"bytes={start}-", "If-Range": tag}
        while True:
            try:
                answer = self._ask("GET", target, None, wanted)
            except Unreachable:
                if not self._may_try_again(until):
                    raise
                continue
            found = _RANGE.match(answer.headers.get("Content-Range", ""))
            if answer.status == 206 and found is not None and int(found[1]) == start:
                return answer
            answer.close()
            raise Unreachable(f"the rest of the file was answered with {answer.status}")

    def _ask(self, method: str, target: str, body: Body | None, headers: Mapping[str, str]) -> Answer:
        sent = None if body is None or body.length == 0 else body.whole() if body.is_small else body.parts
        try:
            answer = self._api.pass_on(self._key, method, target, sent() if callable(sent) else sent, headers)
        except (NotConnected, Broken, SSLError) as error:
            raise Unreachable(str(error)) from error
        if answer.status == WorkspaceGone.status:
            answer.close()
            raise Unreachable("the server leaves")
        return answer

    def _may_try_again(self, until: float) -> bool:
        pause = min(0.3, max(0.0, until - time.monotonic()))
        return pause > 0 and not self._closed.wait(pause)
