"""What many nodes ask at the same moment is looked up in one read: a run may wake a thousand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

from faena.db import Database, Read
from faena.runs.engine.order import Known

T = TypeVar("T")
Look = Callable[[Read, Known], Any]

_MOST = 128
"""In one read: the first ones are answered while others are still looked up."""


class Together:
    """Belongs to one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Look, asyncio.Future[Any]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def ask(self, look: Callable[[Read, Known], T]) -> T:
        """What `look` finds. It is quick, and what it learns of a run is known to the others. Raises what it raises."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((look, answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), context=Context())
        return await answer

    async def _read(self) -> None:
        try:
            while self._waiting:
                part, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._answer(part)
        finally:
            self._reading = None
            for _, answer in self._waiting:  # only where the loop is about to end
                answer.cancel()

    async def _answer(self, part: list[tuple[Look, asyncio.Future[Any]]]) -> None:
        looks = [look for look, _ in part]
        try:
            found = await self._database.read_first(lambda read: _found(read, looks))
        except Exception as error:  # noqa: BLE001  it is theirs who asked
            found = [error] * len(part)
        except asyncio.CancelledError:
            for _, answer in part:
                answer.cancel()
            raise
        for (_, answer), value in zip(part, found, strict=True):
            if answer.done():  # whoever asked has gone
                continue
            if isinstance(value, Exception):
                answer.set_exception(value)
            else:
                answer.set_result(value)


def _found(read: Read, looks: list[Look]) -> list[Any]:
    known = Known()
    return [_tried(look, read, known) for look in looks]


def _tried(look: Look, read: Read, known: Known) -> Any:
    try:
        return look(read, known)
    except Exception as error:  # noqa: BLE001  it concerns nobody else
        return error
