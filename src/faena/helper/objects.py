"""The objects that the other side has proxies of, by number."""

from __future__ import annotations

import itertools
import threading
from typing import Any


class Objects:
    """Each is kept until it was released as often as it was given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._by_number: dict[int, Any] = {}
        self._number_of: dict[int, int] = {}
        self._given: dict[int, int] = {}

    def give(self, value: Any) -> int:
        """Its number, the same each time."""
        with self._lock:
            number = self._number_of.get(id(value))
            if number is None:
                number = next(self._numbers)
                self._number_of[id(value)] = number
                self._by_number[number] = value
                self._given[number] = 0
            self._given[number] += 1
            return number

    def find(self, number: int) -> Any:
        """Raises LookupError for one that was released."""
        return self._by_number[number]

    def release(self, number: int, count: int) -> None:
        with self._lock:
            if number not in self._given:
                return
            self._given[number] -= count
            if self._given[number] > 0:
                return
            del self._given[number]
            value = self._by_number.pop(number)
            del self._number_of[id(value)]
        del value  # its end may take a while, and need the lock

    def __len__(self) -> int:
        return len(self._by_number)
