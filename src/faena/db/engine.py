"""One writer thread with group commit; readers on connections that cannot write.

SQLite fails a transaction that reads first and writes after somebody else wrote, whatever the busy timeout.
So all writes go through one thread, in BEGIN IMMEDIATE transactions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from faena.db import checking
from faena.db.connecting import connect
from faena.db.failures import opening, translated
from faena.db.migrations import upgrade
from faena.db.reading import Readers, limit_of_environment
from faena.db.schema import create, found_version
from faena.db.transactions import Read, Write
from faena.db.writing import Writer
from faena.kernel import commit_record
from faena.kernel.commit_record import CommitRecord
from faena.kernel.errors import DatabaseDamaged, WriterStopped

T = TypeVar("T")


class Database:
    """A SQLite file. Acknowledged means on disk: WAL, synchronous=FULL.

    `on_commit` gets the topics of each group that was committed; it is called on the writer thread.
    Safe to use from any thread. Exactly one process may hold a file open for writing: the workspace's server.
    `read_limit`: seconds that a read may take.

    A file that is missing or empty is made, unless there was a database before, as its record
    (`kernel/commit_record.py`) or `traces`, what else shows that there was one, say: then it is DatabaseDamaged, as
    is one that is damaged or lacks commits that were acknowledged.
    """

    def __init__(
        self,
        path: Path,
        *,
        readers: int = 2,
        on_commit: Callable[[set[str]], None] | None = None,
        traces: str = "",
        read_limit: float | None = None,
    ) -> None:
        self._path = path
        self.damage: DatabaseDamaged | None = None
        """What is wrong with the file, once that was seen: nothing more should be done with it."""
        with opening(path):
            recorded = commit_record.read(path)
            checking.check(path, recorded, traces)
            upgrade(path)
            self._writing = connect(path, begin="BEGIN IMMEDIATE", read_only=False, size=1)
            with self._writing.connect() as connection:
                with connection.begin():
                    if found_version(connection) is None:
                        create(connection)
                self._counted = CommitRecord(path, checking.commits(connection))
            self._file = _identity(path)
        self._readers = Readers(path, readers, read_limit or limit_of_environment(), self._noted)
        self._writer = Writer(self._writing, self._counted, self._noted, on_commit)

    @property
    def stopped(self) -> WriterStopped | None:
        """Why nothing is written any more, once that is so: whoever has the database should leave."""
        return self._writer.stopped

    def look(self) -> DatabaseDamaged | None:
        """What is wrong with the file as far as is known: also whether it is still where it was opened."""
        if self.damage is None and _identity(self._path) != self._file:
            self.damage = DatabaseDamaged(
                f"The workspace's database {self._path} was removed or replaced while the server had it open. What was "
                "written since is lost with it, if nobody has kept the file."
            )
        return self.damage

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
        """Finish what was submitted, then let go of the file."""
        self._writer.close()
        self._readers.close()
        self._writing.dispose()
        self._counted.close()

    def _noted(self, error: BaseException) -> BaseException:
        found = translated(error, self._path)
        if isinstance(found, DatabaseDamaged):
            self.damage = found
            self._counted.suspect()
        return found


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
