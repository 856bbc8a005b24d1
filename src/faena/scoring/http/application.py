"""What a listener serves, as its connections see it."""

from __future__ import annotations

from typing import Protocol

from faena.scoring.exchange import Answer, Reply, Request


class Application(Protocol):
    def admit(self, request: Request) -> Answer | None:
        """Called with the head alone: an answer refuses it, and its body is not taken."""

    def handle(self, request: Request, reply: Reply) -> None:
        """Have it answered. Raises nothing."""

    def worded(self, request: Request, answer: Answer) -> Answer:
        """A refusal of the connection's, as the request's path has it."""

    def answered(self, request: Request, answer: Answer, now: float) -> bytes:
        """It has been, also where the client has left meanwhile: for counts. Header lines to send beside its own."""

    def refused(self, answer: Answer) -> None:
        """What came was no request, or broke a bound before it was one."""
