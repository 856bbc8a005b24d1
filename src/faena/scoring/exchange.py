"""What the parts of a front hand each other: a request, its answer, and who is called with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from faena.scoring.desired import Limits
from faena.scoring.status import RevisionStatus


class Request:
    """One request, whole. Its body is within the limit, and whoever sent it may send it."""

    __slots__ = (
        *("body", "headers", "known", "lines", "method", "path", "query", "received", "request_id"),
        *("revision", "route"),
    )

    def __init__(
        self,
        method: str,
        path: str,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        request_id: str,
        received: float,
    ) -> None:
        self.method = method
        self.path = path
        """Decoded, without the query."""
        self.query = query
        self.headers = headers
        """Their names in lower case, in the order in which they came."""
        self.body = body
        self.request_id = request_id
        self.received = received
        """The loop's time when its first byte was there."""
        self.route = ""
        """Under which it is counted."""
        self.revision = 0
        """That which was asked; 0: none yet."""
        self.lines = b""
        """Header lines that every answer to it has."""
        self.known: dict[bytes, bytes] | None = None

    @property
    def fields(self) -> dict[bytes, bytes]:
        """Headers by name; the first of each. Made when it is first asked for."""
        if self.known is None:
            self.known = dict(reversed(self.headers))
        return self.known

    def header(self, name: bytes) -> bytes | None:
        """The first of that name, which is in lower case."""
        return self.fields.get(name)


class Answer:
    """What a client gets. The connection adds what belongs to HTTP: length, date, whether it stays open."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes,
        content_type: bytes = b"application/json",
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers


Reply = Callable[[Answer], None]
"""Called once, in the loop's thread, at once or later. No coroutine and no future a request: they cost more than it."""
Handler = Callable[[Request, Reply], None]


class Scorer(Protocol):
    """The workers of one revision, as the endpoint sees them. Belongs to one event loop."""

    limits: Limits
    """May be changed."""
    description: dict[str, Any]
    """What a worker said of its script when it was ready.

    `input` and `output`: their JSON schemas, where the script tells; `tensors`: `inputs` and `outputs` as Open
    Inference Protocol has them.
    """
    batches: dict[int, int]
    """How often so many requests were sent to a worker to be run together."""

    @property
    def ready(self) -> bool:
        """Whether a worker's `init()` has returned and takes requests, now or as soon as it has been restarted."""

    @property
    def whole(self) -> bool:
        """Whether all workers are."""

    @property
    def waiting(self) -> int:
        """Requests that no worker has been sent yet."""

    @property
    def answered(self) -> int:
        """Answers that its workers gave, ever."""

    def start(self) -> None:
        """Start the workers; returns at once."""

    def submit(self, request: Request, route: str, reply: Reply) -> None:
        """Have it answered: with what `run` said, 429, 500, 502, 503 or 504.

        `route`: "score", "invocations" or "v2-infer".
        """

    async def drain(self) -> None:
        """Answer what has been submitted, end the workers, and return when they have gone."""

    def kill(self) -> None:
        """End the workers at once; what was submitted gets 503."""

    def snapshot(self) -> RevisionStatus:
        """How it is, for status.json and /metrics."""
