"""Lists of functions that features add to, so that none of them need know another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Hooks(Generic[P, T]):
    """Functions of one signature, in the order in which their modules were loaded. `add` decorates one."""

    def __init__(self) -> None:
        self._functions: list[Callable[P, T]] = []

    def add(self, function: Callable[P, T]) -> Callable[P, T]:
        self._functions.append(function)
        return function

    def __iter__(self) -> Iterator[Callable[P, T]]:
        return iter(self._functions)
