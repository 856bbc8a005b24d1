"""Values that nobody sees by chance: in a notebook's output, a traceback's locals, a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def hiding(*names: str) -> Callable[[Any], str]:
    """A `__repr__` for a class of fields, which shows these as `…` unless they are empty."""

    def show(self: Any) -> str:
        fields = getattr(self, "__struct_fields__", None) or self.__dataclass_fields__
        shown = []
        for each in fields:
            value = getattr(self, each)
            shown.append(f"{each}={'…' if each in names and value else repr(value)}")
        return f"{type(self).__qualname__}({', '.join(shown)})"

    return show
