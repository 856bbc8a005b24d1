"""How much there is of what, as the database tells when a scraper asks."""

from __future__ import annotations

import asyncio
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.exc import DBAPIError

from faena.compute.store import nodes
from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.errors import FaenaError
from faena.objects.store import objects
from faena.runs.store import runs

_LIVE_FOR_S = 5.0
"""Seconds for which what goes on is not counted again, however many scrapers ask."""
_ALL_FOR_S = 60.0
"""The same of what takes a walk through a whole table, at least."""
_SHARE = 200.0
"""How many times as long as such a walk takes none is made: it costs half a percent, however long the history."""


class Live(Struct, frozen=True):
    runs: dict[str, int]
    """Those that have not ended, by state."""
    nodes: dict[str, int]
    """By state."""


class Totals(Struct, frozen=True):
    ended: dict[str, int]
    """Runs that have ended, by state."""
    objects: int
    object_bytes: int


class Gauges:
    """Belongs to one event loop."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._turn = asyncio.Lock()
        self._live: tuple[float, Live] | None = None
        self._totals: Totals | None = None
        self._totals_until = 0.0

    async def look(self) -> tuple[Live, Totals] | None:
        """None where the database does not tell."""
        async with self._turn:
            now = self._clock.monotonic()
            try:
                if self._live is None or now - self._live[0] >= _LIVE_FOR_S:
                    self._live = now, await self._database.read(_live)
                if self._totals is None or now >= self._totals_until:
                    begun = self._clock.monotonic()
                    self._totals = await self._database.read(_totals)
                    ended = self._clock.monotonic()
                    self._totals_until = ended + kept_for(ended - begun)
            except (FaenaError, DBAPIError):
                return None
            return self._live[1], self._totals


def kept_for(taken: float) -> float:
    """Seconds for which totals are not counted again that took so many to count."""
    return max(_ALL_FOR_S, _SHARE * taken)


def _live(read: Read) -> Live:
    return Live(_by(read, runs.c.status, runs.c.ended_at.is_(None)), _by(read, nodes.c.state))


def _totals(read: Read) -> Totals:
    size = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(objects.c.size), 0)).select_from(objects)
    found: Any = read.execute(size).one()
    return Totals(_by(read, runs.c.status, runs.c.ended_at.is_not(None)), int(found[0]), int(found[1]))


def _by(
    read: Read, column: sa.Column[str], condition: sa.ColumnElement[bool] | None = None
) -> dict[str, int]:
    counted = sa.select(column, sa.func.count()).group_by(column)
    found: Any = read.execute(counted if condition is None else counted.where(condition))
    return {str(row[0]): int(row[1]) for row in found}
