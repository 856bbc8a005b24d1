"""The bodies of requests: whole, or as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

from litestar.types import Receive

from faena.kernel.errors import UserErrorException
from faena.mlflow.errors import MlflowError


async def parts(receive: Receive) -> AsyncIterator[bytes]:
    """Raises UserErrorException where the body does not come to its end."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UserErrorException("The request's body did not come to its end.")
        if message["type"] == "http.request":
            more = message["more_body"]
            if message["body"]:
                yield message["body"]


async def beginning(sent: AsyncIterator[bytes], most: int) -> tuple[bytes, bool]:
    """What comes first, until it is more than `most` bytes, and whether it is all. Raises as `parts` does."""
    held: list[bytes] = []
    length = 0
    async for part in sent:
        held.append(part)
        length += len(part)
        if length > most:
            return b"".join(held), False
    return b"".join(held), True


async def behind(begun: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begun
    async for part in rest:
        yield part


async def whole(receive: Receive, most: int) -> bytes:
    """Raises MlflowError where it is longer than `most`, before the rest is read."""
    message = await receive()
    if message["type"] == "http.request" and not message["more_body"]:
        body = bytes(message["body"])
        if len(body) > most:
            raise _too_long(most)
        return body
    held = [] if message["type"] != "http.request" else [bytes(message["body"])]
    length = sum(map(len, held))
    async for part in parts(receive):
        held.append(bytes(part))
        length += len(part)
        if length > most:
            raise _too_long(most)
    return b"".join(held)


def _too_long(most: int) -> MlflowError:
    return MlflowError(f"The request's body is longer than {most:,} bytes.", "BAD_REQUEST")
