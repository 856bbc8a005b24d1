"""How long a store that does not answer is waited for: whoever puts a minute, whoever reads ten seconds.

What was refused outright, such as a wrong key, is told at once.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from faena.kernel.errors import StoreUnavailable
from faena.objects.bucket.opening import Address, has_keys

PUT_PATIENCE_S, READ_PATIENCE_S = 60.0, 10.0
_LOOK_S = 0.5
"""Between tries, which a store of its own tries twice."""
_STATUS = re.compile(r"status code: (\d{3}[A-Za-z ]{0,40})")
_TOLD = re.compile(r"<Message>([^<]{1,400})</Message>")
_log = logging.getLogger(__name__)

T = TypeVar("T")


class Patience:
    """With one store, for all who ask it. `factor`: of the times for which it is waited. `faults`: how it fails."""

    def __init__(self, address: Address, faults: tuple[type[Exception], ...], factor: float) -> None:
        self._address = address
        self._faults = faults
        self._factor = factor
        self._lock = threading.Lock()
        self._away_since = 0.0
        """By the clock of this process; 0: it answered last time."""

    def ask(self, work: Callable[[], T], seconds: float, what: str) -> T:
        """Raises StoreUnavailable, which says `what` was asked."""
        until = time.monotonic() + seconds * self._factor
        while True:
            try:
                done = work()
            except FileNotFoundError as error:  # of a put: the bucket itself
                raise self.unavailable(error, what) from error
            except self._faults as error:
                if _is_refusal(error) or not self._is_waited_for(error, until, seconds):
                    raise self.unavailable(error, what) from error
                time.sleep(_LOOK_S * self._factor)
            else:
                self._answers()
                return done

    def _is_waited_for(self, error: Exception, until: float, seconds: float) -> bool:
        """False where it has been, by whoever asks or, for readers, by others just now."""
        now = time.monotonic()
        with self._lock:
            since = self._away_since
            if not since:
                self._away_since = now
                _log.warning(
                    "the object store %s does not answer, and is waited for: %s", self._address, said(error)
                )
        gone_for_long = since and now - since > READ_PATIENCE_S * self._factor and seconds <= READ_PATIENCE_S
        return now < until and not gone_for_long

    def _answers(self) -> None:
        if self._away_since:
            with self._lock:
                since, self._away_since = self._away_since, 0.0
            if since:
                _log.warning(
                    "the object store %s answers again, after %.0f s", self._address, time.monotonic() - since
                )

    def unavailable(self, error: Exception, what: str) -> StoreUnavailable:
        keys = "" if has_keys(self._address) else " This server's environment has no keys for it."
        return StoreUnavailable(
            f"The object store {self._address}, asked {what}, does not do it: {said(error)}.{keys} What was "
            "acknowledged is kept; try again later."
        )


def _is_refusal(error: Exception) -> bool:
    """Whether the store answered, and another try would hear the same."""
    names = ("PermissionDeniedError", "UnauthenticatedError", "NotImplementedError", "InvalidPathError")
    status = _STATUS.search(str(error))  # of a listing it is told in no other way
    return type(error).__name__ in names or (status is not None and status[1].startswith(("401", "403")))


def said(error: Exception) -> str:
    """In a line: what the store itself said where it said something."""
    text = str(error).partition("Debug source:")[0]
    told, status = _TOLD.search(text), _STATUS.search(text)
    if told:
        text = f"{status[1]}: {told[1]}" if status else told[1]
    return " ".join(text.split())[:500].rstrip(". ") or type(error).__name__
