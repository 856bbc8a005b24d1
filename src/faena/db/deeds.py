"""A row that tells of a request, in the transaction of what the request does: there is none without the other."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from faena.db.transactions import Write


class Deed:
    """Written once, with the first work of its request that is kept. `work` gives the number of the row."""

    def __init__(self, work: Callable[[Write], int]) -> None:
        self._work = work
        self._with: object | None = None
        self._is_over = False
        self.number: int | None = None
        """Of the row; None: nothing was written, or nothing of it was kept."""

    def tell(self, write: Write, request: object) -> None:
        """At the end of a `request`'s work, in its transaction, which may be done several times."""
        if self._with is request or (self._with is None and not self._is_over):
            self.number = self._work(write)
            self._with = request

    def forget(self, request: object) -> None:
        """Nothing was kept of that request."""
        if self._with is request:
            self._with = self.number = None

    def end(self) -> None:
        """The request was answered: what its work left to be done later is told of no more."""
        self._is_over = True


DEED: ContextVar[Deed | None] = ContextVar("deed", default=None)
"""Of the request in whose name the work is done; None: nobody's who is told of."""
