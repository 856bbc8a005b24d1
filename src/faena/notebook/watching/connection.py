"""Follows a stream over as many connections as it takes, and knows for how long there was none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from faena.kernel.errors import AnswerBroken, FaenaError, NotFound, ServerUnreachable, ServiceException

T = TypeVar("T")
PATIENCE = 2.0
"""Seconds that a request of a view waits for a server; then it says so, and tries again."""
ANSWERING = 5.0
"""And for an answer."""
_PAUSES = (0.1, 0.5, 1.0, 2.0)


class Connection:
    def __init__(self) -> None:
        self._since: float | None = None
        self._gone = ""

    def said(self) -> str:
        """For people: what is wrong; empty: nothing."""
        if self._gone:
            return self._gone
        if self._since is None:
            return ""
        return "The workspace's server does not answer. What is shown is what it said last; it goes on when it is back."

    def events(
        self,
        open_stream: Callable[[], Iterator[T]],
        changed: Callable[[], None],
        stopped: Callable[[], bool],
    ) -> Iterator[T]:
        """Of streams that are opened one after the other. Ends when `stopped`, or when there is nothing to follow."""
        tried = 0
        while not stopped():
            try:
                for event in open_stream():
                    tried = 0
                    if self._since is not None:
                        self._since = None
                        changed()
                    yield event
                    if stopped():
                        return
            except NotFound as error:
                self._gone = error.message
                changed()
                return
            except (AnswerBroken, ServerUnreachable, ServiceException, OSError):
                self.lost(changed if tried else _nothing)
            except FaenaError as error:  # a workspace that was removed, or is of a newer Faena
                self._gone = error.message
                changed()
                return
            time.sleep(_PAUSES[min(tried, len(_PAUSES) - 1)])
            tried += 1

    def lost(self, changed: Callable[[], None]) -> None:
        """`changed`: told where that is new."""
        if self._since is None:
            self._since = time.monotonic()
        changed()


def _nothing() -> None:
    """One connection that ends is no news: the next one mostly goes on."""
