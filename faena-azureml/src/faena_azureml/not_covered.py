"""How a name of v1 that is not covered says so: when it is used, not when it is imported.

The table `data/not-covered.tsv` holds a line for each name, with what it is and what to use instead; `data/planned.tsv`
says of those that are to come, when. A name without a line of its own has that of the longest name that it begins with.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from faena.client.not_covered import MARK
from faena.kernel.errors import NotCovered

_TABLE = Path(__file__).with_name("data") / "not-covered.tsv"
_PLANS = _TABLE.with_name("planned.tsv")


class Entry(NamedTuple):
    """A line of the table. `name`: dotted, also that of a module; `module`: whether importing it is refused already."""

    name: str
    module: bool
    what: str
    instead: str
    planned: str
    """For when; empty: it is not."""

    @property
    def reason(self) -> str:
        return f"{self.what}; planned for {self.planned}" if self.planned else self.what


def not_covered(name: str) -> NotCovered:
    """The error for the dotted `name`."""
    entry = entry_of(name)
    if entry is None:
        return NotCovered.about(name, "no part of v1 that is known here", "See docs/coverage.md for what is.")
    return NotCovered.about(name, entry.what, entry.instead, entry.planned)


def entry_of(name: str) -> Entry | None:
    """The line for `name`: its own, or that of the longest name that it begins with."""
    table = _table()
    while name:
        if name in table:
            return table[name]
        name = name.rpartition(".")[0]
    return None


def has_own_entry(name: str) -> bool:
    """Whether the table has a line for `name` itself."""
    return name in _table()


def entry_of_module(name: str) -> Entry | None:
    """The line of a module whose import is refused."""
    entry = entry_of(name)
    return entry if entry is not None and entry.module else None


@cache
def _table() -> dict[str, Entry]:
    planned = {row[0]: row[1] for row in _rows(_PLANS)}
    return {
        name: Entry(name, kind == "module", what, instead, planned.get(name, ""))
        for name, kind, what, instead in _rows(_TABLE)
    }


def _rows(table: Path) -> list[tuple[str, ...]]:
    return [tuple(line.split("\t")) for line in table.read_text().splitlines()[1:] if line]


class StandIn(type):
    """The type of what stands in for a class or function of v1: it can be imported and annotated with, not used."""

    __not_covered__: str

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise not_covered(cls.__not_covered__)

    def __getattr__(cls, name: str) -> NoReturn:
        if name.startswith("_"):  # probes of notebooks, pickle and inspect
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        raise not_covered(f"{cls.__not_covered__}.{name}")


def stand_in(name: str) -> Any:
    """Stands for the class or function of that dotted name; using it raises NotCovered."""
    short = name.rpartition(".")[2]
    return StandIn(
        short, (), {MARK: name, "__doc__": f"Not covered: {name}.", "__module__": name[: -len(short) - 1]}
    )


def refusal(name: str) -> Callable[..., NoReturn]:
    """A function that raises NotCovered for `name`: a method of a class that is covered but for it."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise not_covered(name)

    refuse.__name__ = name.rpartition(".")[2]
    refuse.__doc__ = f"Not covered: {name}."
    setattr(refuse, MARK, _reason(name))
    return refuse


class refused_property:  # noqa: N801  reads as the decorator that it stands for
    """An attribute of a covered class that raises NotCovered when it is read of a handle."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.__doc__ = f"Not covered: {name}."
        setattr(self, MARK, _reason(name))

    def __get__(self, handle: object, owner: type | None = None) -> Any:
        if handle is None:
            return self
        raise not_covered(self._name)


def _reason(name: str) -> str:
    entry = entry_of(name)
    return "" if entry is None else entry.reason
