"""Requests that make something, and that a node asks again because a link cut their answer off: answered as before.

In memory, for the latest ones: what a server has made and not answered before its end is made once more by the next.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Send

NAME = b"faena-request"
"""The header by which a node calls a request, each time that it asks."""
_MAKING = re.compile(r"/(create|logged-models|traces)/?")
_MOST = 1000
_LARGEST = 16 << 10
"""Bytes of an answer that is kept."""
_LONGEST_NAME = 64
_MADE = 200


class Repeats:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, bytes], asyncio.Future[Sequence[Message]]] = {}

    async def answer(self, app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send, whose: str) -> None:
        """`whose`: who may have called it so."""
        named = [value for name, value in scope["headers"] if name == NAME]
        is_making = scope["method"] == "POST" and _MAKING.search(scope["path"])
        if not is_making or len(named) != 1 or len(named[0]) > _LONGEST_NAME:
            await app(scope, receive, send)
            return
        key = (whose, named[0])
        if (known := self._answers.get(key)) is not None:
            for message in await asyncio.shield(known):
                await send(message)
            return
        await self._first(app, scope, receive, send, key)

    async def _first(
        self, app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send, key: tuple[str, bytes]
    ) -> None:
        answer = self._answers[key] = asyncio.get_running_loop().create_future()
        while len(self._answers) > _MOST:
            del self._answers[next(iter(self._answers))]
        said: list[Message] = []

        async def heard(message: Message) -> None:
            said.append(message)
            await send(message)

        try:
            await app(scope, receive, heard)
        finally:
            if _is_kept(said):
                answer.set_result(said)
            else:  # it may be asked again
                self._answers.pop(key, None)
                answer.cancel()


def _is_kept(said: Sequence[Message]) -> bool:
    """Whether it is a whole answer that something was made: any other one may as well be given anew."""
    if not said or said[0]["type"] != "http.response.start" or said[0]["status"] != _MADE:
        return False
    bodies = [message for message in said if message["type"] == "http.response.body"]
    is_whole = bool(bodies) and not bodies[-1]["more_body"]
    return is_whole and sum(len(message["body"]) for message in bodies) <= _LARGEST
