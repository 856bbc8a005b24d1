"""Has the runner watch the folder of checkpoints from its first moment on."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Making:
    """In the place of `os.mkdir`. No function: pathlib up to 3.9 keeps it in a class, where a function is a method."""

    def __init__(self, place: str, sign: str) -> None:
        self._place = place
        self._sign = sign
        self._make = os.mkdir

    def __call__(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        self._make(path, mode, dir_fd=dir_fd)
        if dir_fd is None and os.path.abspath(os.fsdecode(path)) == self._place:
            os.mkdir = self._make
            until = time.monotonic() + 0.25
            while not os.path.exists(self._sign) and time.monotonic() < until:
                time.sleep(0.0005)


def install() -> None:
    """Whoever makes the folder of checkpoints goes on once the runner watches it, a quarter of a second later at most.

    So the runner learns which files are renamed into place there, also of a script that ends right after its first.
    """
    place = os.environ["FAENA_CHECKPOINTS"]
    sign = os.path.join(os.path.dirname(os.environ.get("FAENA_SPOOL", place)), "checkpoints.watched")
    os.mkdir = _Making(place, sign)
