"""A request on its way through the workers."""

from __future__ import annotations

from faena.scoring.exchange import Reply, Request
from faena.scoring.worker import wire

KINDS = {"score": wire.SCORE, "invocations": wire.INVOCATIONS, "v2-infer": wire.INFER}


class Pending:
    __slots__ = ("deadline", "kind", "number", "reply", "request")

    def __init__(self, request: Request, kind: int, reply: Reply, deadline: float) -> None:
        self.request = request
        self.kind = kind
        self.reply: Reply | None = reply
        """None: it has been answered, and what its worker says of it is too late."""
        self.deadline = deadline
        self.number = 0
        """By which its worker knows it."""
