"""A request that the server holds while nobody watches a run: its runner hears at once when somebody begins to, or when
the script is to be stopped, and looks at files meanwhile.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from faena.attempts.api import Shipped
from faena.kernel.errors import FaenaError

_SECONDS = 25.0
_JITTER = 0.2
"""Of these, since ranks of a run begin together."""
_AFTER_FAILURE = 2.0
"""Seconds until it is asked again; who has something to say meanwhile says it as if nothing were held."""


class HeldRequest:
    """Held anew after each answer, on a thread of its own, until enough was heard.

    `ask`: for so many seconds at most; `hear`: called with each answer, says whether that is enough.
    """

    def __init__(self, ask: Callable[[float], Shipped], hear: Callable[[Shipped], bool]) -> None:
        self._ask = ask
        self._hear = hear
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    @property
    def is_there(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def begin(self) -> None:
        """Unless there is one, or one has just failed."""
        if not self.is_there and time.monotonic() >= self._not_before:
            self._thread = threading.Thread(target=self._hold, name="held", daemon=True)
            self._thread.start()

    def _hold(self) -> None:
        try:
            while not self._hear(self._ask(_SECONDS * random.uniform(1 - _JITTER, 1 + _JITTER))):
                pass
        except FaenaError:
            self._not_before = time.monotonic() + _AFTER_FAILURE
