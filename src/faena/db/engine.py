"""The database as features use it: one thread writes, several read; the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from faena.db.contract import Backend
from faena.db.counts import Counts
from faena.db.leading import LeaderLock
from faena.db.reading import Readers, limit_of_environment
from faena.db.sqlite import Sqlite
from faena.db.transactions import Read, Write
from faena.db.writing import Writer
from faena.kernel.errors import DatabaseDamaged, WriterStopped

T = TypeVar("T")


class Database:
    """A SQLite file, by its path, or a database of a PostgreSQL server, by its URL. Acknowledged means on disk.

    `on_commit` gets the topics of each group that was committed, also by other processes; it is called on threads of
    the database's own.
    Safe to use from any thread. Exactly one process may hold a file open for writing: the workspace's server. Several
    may have a database of PostgreSQL. `read_limit`: seconds that a read may take.

    A file that is missing or empty is made, unless there was a database before, as its record
    (`kernel/commit_record.py`) or `traces`, what else shows that there was one, say: then it is DatabaseDamaged, as
    is one that is damaged or lacks commits that were acknowledged.
    """

    def __init__(
        self,
        place: Path | str,
        *,
        readers: int = 2,
        on_commit: Callable[[set[str]], None] | None = None,
        traces: str = "",
        read_limit: float | None = None,
    ) -> None:
        self.damage: DatabaseDamaged | None = None
        """What is wrong with the database, once that was seen: nothing more should be done with it."""
        self._backend = _opened(place, readers + 1, traces, on_commit)
        self.counts = Counts()
        limit = read_limit or limit_of_environment()
        self._readers = Readers(self._backend, readers, limit, self._noted, self.counts)
        self._writer = Writer(self._backend, self._noted, on_commit, self.counts)

    @property
    def stopped(self) -> WriterStopped | None:
        """Why whoever has the database should leave, once that is so: nothing is written any more, or should be."""
        return self._writer.stopped or self._backend.left

    @property
    def leading(self) -> LeaderLock | None:
        """The lock of the one process that leads; None where there can be one process only. A new one each time."""
        return self._backend.leader_lock()

    def lead(self, number: int | None) -> None:
        """Write nothing any more once another process has taken the number after this one. None: whoever leads."""
        self._backend.lead(number)

    def look(self) -> DatabaseDamaged | None:
        """What is wrong with the database as far as is known: also whether a file is still where it was opened."""
        if self.damage is None:
            self.damage = self._backend.look()
        return self.damage

    def suspect(self) -> None:
        """Somebody met what may be damage: whoever opens it next checks it first, and this one should leave."""
        self._backend.suspect()
        self._backend.left = self._backend.left or WriterStopped(
            "The workspace's database may be damaged, and the server leaves: the next command has it checked."
        )

    def submit_write(self, work: Callable[[Write], T]) -> Future[T]:
        """Run `work` in a transaction of its own; the future settles when that is on disk.

        The future raises what `work` raised (nothing of it is kept then), StorageFull, or WriterStopped.
        """
        return self._writer.submit(work)

    def submit_read(self, work: Callable[[Read], T], *, unlimited: bool = False) -> Future[T]:
        """Run `work` on a consistent view that includes every write settled before the call.

        The future raises QueryTimedOut for what takes too long, unless it is `unlimited`.
        """
        return self._readers.submit(work, unlimited=unlimited)

    def look_up(self, work: Callable[[Read], T]) -> T:
        """Run `work` on a connection of its own and on the calling thread, such as one that reads or writes already."""
        return self._readers.perform(work)

    async def write(self, work: Callable[[Write], T]) -> T:
        return await asyncio.wrap_future(self.submit_write(work))

    async def read(self, work: Callable[[Read], T], *, unlimited: bool = False) -> T:
        return await asyncio.wrap_future(self.submit_read(work, unlimited=unlimited))

    async def read_first(self, work: Callable[[Read], T]) -> T:
        """For what keeps runs going: it never waits for what people ask. Only for what is read quickly."""
        return await asyncio.wrap_future(self._readers.submit(work, first=True))

    def close(self) -> None:
        """Finish what was submitted, then let go of the database."""
        self._writer.close()
        self._readers.close()
        self._backend.close()

    def _noted(self, error: BaseException) -> BaseException:
        found = self._backend.translated(error)
        if isinstance(found, DatabaseDamaged):
            self.damage = found
            self._backend.suspect()
        return found


def _opened(
    place: Path | str, readers: int, traces: str, heard: Callable[[set[str]], None] | None
) -> Backend:
    if isinstance(place, Path):
        return Sqlite(place, readers=readers, traces=traces)
    from faena.db.postgresql import PostgreSQL

    return PostgreSQL(place, readers=readers, heard=heard)
