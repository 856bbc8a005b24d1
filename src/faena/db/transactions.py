"""What work on the database is given: a view of it, or a transaction that may change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, overload

import sqlalchemy as sa

from faena.db import savepoints
from faena.db.answers import Found
from faena.db.hiding import ASKER, EVERYTHING, View
from faena.db.parameters import Parameters
from faena.db.prepared import Prepared

_NONE: Parameters = {}


class Read:
    """A consistent view of the database. Valid inside the function that got it."""

    def __init__(
        self,
        connection: sa.Connection,
        check: Callable[[], None] | None = None,
        view: View | None = None,
    ) -> None:
        """`check`: called before each statement; raises where the work has taken too long.

        `view`: as `Read.view`, where it is known; rows that it hides are missing from the connection's tables.
        """
        self.connection = connection
        self._check = check
        self._view = view

    @property
    def view(self) -> View:
        """What is there for whoever the work is done for. Of rows that are read, what is not is missing already."""
        if (asker := ASKER.get()) is None or asker.find is None:
            return EVERYTHING
        if self._view is None:
            self._view = asker.find(self)
        return self._view

    @overload
    def execute(
        self, statement: Prepared, parameters: Parameters | Sequence[Parameters] = _NONE
    ) -> Found: ...

    @overload
    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]: ...

    def execute(self, statement: Prepared | sa.Executable, parameters: Any = None) -> Any:
        if self._check is not None:
            self._check()
        if isinstance(statement, Prepared):
            return statement.execute(self.connection, _NONE if parameters is None else parameters)
        return self.connection.execute(statement, parameters)

    def ask(self, statement: Prepared, parameters: Parameters = _NONE) -> Found:
        """As `execute`, where others follow before its rows are read: PostgreSQL is asked all of them at once."""
        if self._check is not None:
            self._check()
        return statement.ask(self.connection, parameters)


class Write(Read):
    """A transaction that may change rows. Its topics are notified once it is on disk."""

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(connection)
        self.topics: set[str] = set()
        self._aparts: list[bool] = []
        """Whether each of those that are open, the outermost first, has begun: most do nothing, and need not."""

    def notify(self, topic: str) -> None:
        """Wake whoever waits for `topic`, after the commit; not at all when the transaction fails."""
        self.topics.add(topic)

    def _begin(self) -> None:
        """Before a statement: what it is apart from has begun then."""
        for place, has_begun in enumerate(self._aparts):
            if not has_begun:
                savepoints.begin(self.connection)
                self._aparts[place] = True
        self._check = None

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Around what may fail by itself: nothing of it is kept then, the rest of the transaction is. Raises on."""
        topics = set(self.topics)
        self._aparts.append(False)
        self._check = self._begin
        try:
            yield
            if self._aparts[-1]:
                savepoints.keep(self.connection)
        except BaseException as error:
            self.topics = topics
            if self._aparts[-1]:
                savepoints.take_back(self.connection, error)
            raise
        finally:
            self._aparts.pop()
            self._check = None if all(self._aparts) else self._begin
