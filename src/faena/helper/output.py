"""What is printed while something is asked goes to whoever asked, as it comes."""

from __future__ import annotations

import io
import sys
import threading
import warnings
from typing import Any

from faena.helper.state import current

_MOST_WAITING = 1 << 16
"""Characters printed by threads that nobody asked anything, which are told with the next answer."""
_LONGEST = 1 << 13
_here = threading.local()
_waiting: list[tuple[int, str]] = []


class Outflow(io.TextIOBase):
    """stdout (1) or stderr (2)."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if current() is None:
            if sum(len(each) for _, each in _waiting) < _MOST_WAITING:
                _waiting.append((self._number, text))
            return len(text)
        held = _held()
        held.append((self._number, text))
        if "\n" in text or "\r" in text or len(text) > _LONGEST:
            self.flush()
        return len(text)

    def flush(self) -> None:
        conversation = current()
        if conversation is None:
            return
        held = _held()
        while held:
            number, text = held.pop(0)
            while held and held[0][0] == number:
                text += held.pop(0)[1]
            conversation.printed(number, text)


def end(conversation: Any) -> None:
    """Of what was asked: all is told."""
    while _waiting:
        _held().append(_waiting.pop(0))
    try:
        sys.stdout.flush()
    except OSError:
        _held().clear()


def install() -> None:
    sys.stdout = Outflow(1)
    sys.stderr = Outflow(2)
    warnings.showwarning = _warn


def _warn(message: Warning | str, category: type[Warning], *_place: object, **_more: object) -> None:
    """Without the place, which would be a line of ours: the one that led to it is in another process."""
    sys.stderr.write(f"{category.__name__}: {message}\n")


def _held() -> list[tuple[int, str]]:
    found: list[tuple[int, str]] | None = getattr(_here, "held", None)
    if found is None:
        found = _here.held = []
    return found
