"""What Python 3.6 lacks and Faena's code of a run uses, as later ones have it.

Loaded by that Python alone, from a copy of this folder that `faena.kernel.python36` makes. Nothing of the standard
library gains a name, since libraries look what is there. But `os.fork` tells whoever asked for it.
"""

from __future__ import annotations

import os
import sys
import time as _time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    import types
    from typing import Any, Callable

_MODULE: Any = type(sys)
_ISO = (
    r"(\d{4})-(\d\d)-(\d\d)(?:.(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{3}(?:\d{3})?))?)?)?"
    r"(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?)?\Z"
)


now = _time.time


def time_ns() -> int:
    """To a quarter of a microsecond, which is what the clock gives here."""
    return int(now() * 1e9)


def isascii(text: str | bytes) -> bool:
    try:
        text.encode("ascii") if isinstance(text, str) else text.decode("ascii")
    except UnicodeError:
        return False
    return True


def fromisoformat(text: object) -> datetime.datetime:
    """A datetime, from what `datetime.isoformat` gives. Raises ValueError, TypeError."""
    import datetime  # few scripts have tables, and each import costs all of them
    import re

    if not isinstance(text, str):
        raise TypeError("fromisoformat: argument must be str")
    found = re.match(_ISO, text, re.DOTALL | re.ASCII)
    if found is None:
        raise ValueError("Invalid isoformat string: {!r}".format(text))
    whole = [int(part or 0) for part in found.group(1, 2, 3, 4, 5, 6)]
    microseconds = int((found.group(7) or "").ljust(6, "0"))
    zone = None
    if found.group(8):
        hours, minutes, seconds = [int(part or 0) for part in found.group(9, 10, 11)]
        offset = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        zone = datetime.timezone(-offset if found.group(8) == "-" else offset)
    year, month, day, hour, minute, second = whole
    return datetime.datetime(year, month, day, hour, minute, second, microseconds, zone)


class _Answering(_MODULE):  # type: ignore[misc]  # `types` would cost its import
    """A module that is asked for the names that it lacks."""

    def __getattr__(self, name: str) -> Any:
        answer = vars(self).get("__getattr__")
        if answer is None:
            raise AttributeError("module {!r} has no attribute {!r}".format(self.__name__, name))
        return answer(name)


def answer_for(name: str) -> None:
    """Have the module's own function `__getattr__` asked."""
    ask(sys.modules[name])


def ask(module: types.ModuleType) -> None:
    """The same, of a module that is given. One of a class of its own stays as it is."""
    if type(module) is _MODULE:
        module.__class__ = _Answering


_after_in_child: list[Callable[[], object]] = []


def register_at_fork(*, after_in_child: Callable[[], object]) -> None:
    _after_in_child.append(after_in_child)


def _telling(fork: Callable[[], Any]) -> Callable[[], Any]:
    def telling() -> Any:
        found = fork()
        if (found[0] if isinstance(found, tuple) else found) == 0:
            for tell in _after_in_child:
                try:
                    tell()
                except Exception:  # noqa: BLE001  as `os.register_at_fork`: told, and on it goes
                    sys.excepthook(*sys.exc_info())
        return found

    telling.__name__ = telling.__qualname__ = fork.__name__
    telling.__module__ = fork.__module__
    telling.__doc__ = fork.__doc__
    return telling


os.fork, os.forkpty = _telling(os.fork), _telling(os.forkpty)
