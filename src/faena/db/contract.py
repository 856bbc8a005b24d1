"""What differs between kinds of databases: `faena.db.sqlite` and `faena.db.postgresql` have it each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

import sqlalchemy as sa

from faena.db.leading import LeaderLock
from faena.kernel.errors import DatabaseDamaged, WriterStopped


class Backend(ABC):
    """A database that is open and has today's schema."""

    writing: sa.Engine
    """For the one thread that writes."""
    reading: sa.Engine
    """Its connections cannot write, and see what they see in a `moment`."""
    left: WriterStopped | None = None
    """Why whoever has it should leave, although it is not known to be damaged; None where there is nothing."""

    @abstractmethod
    def transaction(self, connection: sa.Connection) -> AbstractContextManager[sa.Transaction]:
        """A transaction that no other writer's overlaps, of this process or of another; at its end it is on disk."""

    def give_up(self, connection: sa.Connection, transaction: sa.Transaction) -> None:
        """Keep nothing of a transaction, whatever its statements met."""
        transaction.rollback()

    def finish(self, connection: sa.Connection, topics: set[str]) -> None:
        """The last thing in a transaction that is to be kept. Other processes hear of the topics with its commit.

        WriterStopped is raised, here or at the transaction's end, where this process may not write any more.
        """
        return

    def leader_lock(self) -> LeaderLock | None:
        """A new one; None where no other process can have the database."""
        return None

    def lead(self, number: int | None) -> None:
        """Have `finish` refuse what is written once another process leads. None: whoever leads."""
        return

    @abstractmethod
    def moment(
        self, connection: sa.Connection, seconds: float | None = None
    ) -> AbstractContextManager[Callable[[], None] | None]:
        """A transaction of a connection for reading, which sees one moment, from its first statement on.

        It may take so long; gives what raises QueryTimedOut once it is over its time. A statement that is over its
        time raises QueryTimedOut, too. None: it may take any time.
        """

    @abstractmethod
    def hiding(self, experiments: Collection[int]) -> AbstractContextManager[sa.Connection]:
        """A connection for reading to which these, and all that belongs to them, are not there: `faena.db.hiding`."""

    @abstractmethod
    def is_passing(self, error: BaseException, *, committing: bool = False) -> bool:
        """Whether nothing was kept of a transaction that met this error, and the same may succeed at once.

        `committing`: all was done, and the commit was asked for.
        """

    def is_away(self, error: BaseException) -> bool:
        """Whether it says that the database does not answer for now: it is started anew, or the way there is cut."""
        return False

    def returns(self, seconds: float) -> bool:
        """Wait until it answers again, so long at most; whether it does."""
        return False

    def has_last(self) -> bool:
        """Whether it has the last transaction whose commit was asked for, once it answers again.

        Raises DBAPIError, and WriterStopped where it lacks what was acknowledged.
        """
        return False

    @abstractmethod
    def translated(self, error: BaseException) -> BaseException:
        """From an error of the database to ours; the error itself where it tells of a defect."""

    @abstractmethod
    def look(self) -> DatabaseDamaged | None:
        """What is wrong with the place where the database is, as far as that can be told without reading it."""

    @abstractmethod
    def suspect(self) -> None:
        """Damage was met: have the next one who opens the database check it first."""

    def close(self) -> None:
        self.reading.dispose()
        self.writing.dispose()
