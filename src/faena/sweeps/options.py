"""Choices: one of some options, each of which stays what it is. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from faena.sweeps.arguments import argument_text
from faena.sweeps.distributions import Coordinate, Expression, as_number


class Index(Expression):
    """One of so many."""

    __slots__ = ()

    def __init__(self, count: int) -> None:
        self.kind, self.low, self.high, self.count = "index", 0, count - 1, count

    def value(self, coordinate: Coordinate) -> Any:
        return coordinate

    def find(self, value: object) -> tuple[Coordinate, Any] | None:
        return None

    def perturbed(self, coordinate: Coordinate, factor: float) -> Coordinate:
        """The option beside it, on the side of greater ones for a factor above 1; the last one stays."""
        return min(max(int(coordinate) + (1 if factor > 1 else -1), self.low), self.high)


class Choice(Index):
    def __init__(self, options: Sequence[Any]) -> None:
        super().__init__(len(options))
        self.options = options

    def value(self, coordinate: Coordinate) -> Any:
        return self.options[int(coordinate)]

    def find(self, value: object) -> tuple[Coordinate, Any] | None:
        """The option of the same kind first, then the one that is the same argument, then the same number."""
        written = _json(value)
        if written is None:
            return None
        index = self._same(value, written)
        if index is None and isinstance(value, str):
            index = self._meant_by(value)
        return None if index is None else (index, self.options[index])

    def find_missing(self) -> Coordinate | None:
        return self._by_json.get("null")

    def _same(self, value: object, written: str) -> int | None:
        index = self._by_json.get(written)
        if index is None and (text := argument_text(value)) is not None:
            index = self._by_text.get(text)
        if index is None and (number := as_number(value)) is not None:
            index = self._by_number.get(number)
        return index

    def _meant_by(self, text: str) -> int | None:
        """The options that a run's record holds as another text: a bare name is true there."""
        if text[:1] in ("[", "{"):
            try:
                return self._by_json.get(json.dumps(json.loads(text), sort_keys=True))
            except (ValueError, RecursionError):
                return None
        if text.lower() in ("true", "false"):
            found = self._by_text.get(text.capitalize())
            return self._by_text.get("") if found is None and text == "true" else found
        return None

    @cached_property
    def _by_json(self) -> dict[str, int]:
        return _first(
            (json.dumps(option, sort_keys=True), index) for index, option in enumerate(self.options)
        )

    @cached_property
    def _by_text(self) -> dict[str, int]:
        texts = ((argument_text(option), index) for index, option in enumerate(self.options))
        return _first((text, index) for text, index in texts if text is not None)

    @cached_property
    def _by_number(self) -> dict[float, int]:
        numbers = (
            (as_number(option), index)
            for index, option in enumerate(self.options)
            if not isinstance(option, str)
        )
        return _first((number, index) for number, index in numbers if number is not None)


def is_meant(option: Any, value: object) -> bool:
    """Whether a value that was given as such or as a text is this option."""
    if type(value) is type(option) and isinstance(value, (int, float)):
        return bool(value == option)
    return Choice((option,)).find(value) is not None


class Flag(Choice):
    """An argument that is there or not."""

    def __init__(self) -> None:
        super().__init__((None, ""))

    def find(self, value: object) -> tuple[Coordinate, Any] | None:
        if isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false")):
            index = int(str(value).lower() == "true")
            return index, self.options[index]
        return super().find(value)


def _json(value: object) -> str | None:
    try:
        return json.dumps(value, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return None


def _first(pairs: Iterable[tuple[Any, int]]) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for key, index in pairs:
        found.setdefault(key, index)
    return found
