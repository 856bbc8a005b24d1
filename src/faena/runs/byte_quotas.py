"""Whoever keeps as much as their quota of bytes allows adds nothing until something is deleted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from weakref import WeakKeyDictionary

from faena.compute.shares import Line, Owner, OwnerKind, owners
from faena.db import Database, Read
from faena.kernel.errors import NotAllowed
from faena.kernel.sizes import shown
from faena.objects.admission import before_put
from faena.people.callers import CURRENT
from faena.runs import kept_bytes, quota_store, store
from faena.runs.model import EXTERNAL
from faena.runs.shares import of_person

_QUOTAS_FOR, _COUNTED_FOR, _BEFORE_REFUSING = 2.0, 30.0, 1.0
"""Seconds for which what was read of quotas counts; what was counted; and what was, where somebody is refused by it."""


class Known:
    """What one process knows of a database. What others added lately is missing: a quota is passed by no more."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self._read_at = float("-inf")
        self._limits: dict[Owner, int] = {}
        self._general: int | None = None
        self._counted: dict[Owner, tuple[float, int]] = {}

    @property
    def limits_nobody(self) -> bool:
        return self.monotonic() - self._read_at < _QUOTAS_FOR and not self._limits and self._general is None

    def refuse(self, read: Read, asked: Sequence[Owner], more: int = 0) -> None:
        """`more`: bytes that are to come, where that is known."""
        if self.monotonic() - self._read_at >= _QUOTAS_FOR:
            self._learn(read)
        for owner in asked:
            limit = self._limits.get(owner, self._general if owner.kind is OwnerKind.PERSON else None)
            if limit is None or self._has_room(self._used(read, owner, _COUNTED_FOR), more, limit):
                continue
            if not self._has_room(used := self._used(read, owner, _BEFORE_REFUSING), more, limit):
                raise NotAllowed(_why(owner, used, limit, more if used < limit else 0))

    @staticmethod
    def _has_room(used: int, more: int, limit: int) -> bool:
        return used < limit and used + more <= limit

    def _learn(self, read: Read) -> None:
        quotas = quota_store.all_quotas(read)
        of_all = quotas.get(quota_store.EVERYBODY)
        self._general = None if of_all is None else of_all.bytes
        self._limits = {}
        for owner, quota in quotas.items():
            whole = of_person(quotas, owner.name) if owner.kind is OwnerKind.PERSON else quota
            if whole.bytes is not None and owner != quota_store.EVERYBODY:
                self._limits[owner] = whole.bytes
        self._read_at = self.monotonic()

    def _used(self, read: Read, owner: Owner, lasts: float) -> int:
        at, used = self._counted.get(owner, (float("-inf"), 0))
        if self.monotonic() - at >= lasts:
            used = kept_bytes.of(read, owner)
            self._counted[owner] = self.monotonic(), used
        return used


_known: WeakKeyDictionary[Database, Known] = WeakKeyDictionary()


def known_of(database: Database) -> Known:
    return _known.setdefault(database, Known())


def refuse_submission(database: Database, line: Line) -> None:
    """Raises NotAllowed where its person or experiment keeps too much. Blocks."""
    known = known_of(database)
    if not known.limits_nobody:
        Context().run(database.look_up, lambda read: known.refuse(read, owners(line)))


async def refuse_files(database: Database, run_id: str, more: int = 0) -> None:
    """The same, of files that somebody adds to a run; what a run here wrote itself is kept whatever its quota.

    `more`: their bytes, where they are known. Silent for a run that is not there for whoever asks.
    """
    known = known_of(database)
    if known.limits_nobody:
        return
    run = await database.read(lambda read: store.get(read, run_id))
    if run is not None and (run.type == EXTERNAL or run.ended_at is not None):
        line = Line(run.user, run.experiment)
        await _in_nobodys_name(database, lambda read: known.refuse(read, owners(line), more))


@before_put.add
async def _refuse_objects(database: Database, more: int) -> None:
    """Of a person, before the first byte comes."""
    caller, known = CURRENT.get(), known_of(database)
    if caller is not None and not known.limits_nobody:
        asked = [Owner(OwnerKind.PERSON, caller.person)]
        await _in_nobodys_name(database, lambda read: known.refuse(read, asked, more))


async def _in_nobodys_name(database: Database, work: Callable[[Read], None]) -> None:
    """What is known counts for all, also of experiments that are not there for whoever asks first."""
    await asyncio.wrap_future(Context().run(database.submit_read, work))


def _why(owner: Owner, used: int, limit: int, more: int) -> str:
    whose = f"experiment {owner.name!r}" if owner.kind is OwnerKind.EXPERIMENT else owner.name
    what = f"{shown(more)} more are not added" if more else "nothing is added"
    return (
        f"The runs of {whose} keep {shown(used)}, and their quota is {shown(limit)}: {what} until owners of "
        "the workspace delete some (`faena du` lists the largest; `faena delete RUN`, with --outputs its files alone), "
        "or allow more (`faena quota set`)."
    )
