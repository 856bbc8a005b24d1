"""What work on the database is given: a view of it, or a transaction that may change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa


class Read:
    """A consistent view of the database. Valid inside the function that got it."""

    def __init__(self, connection: sa.Connection, check: Callable[[], None] | None = None) -> None:
        """`check`: called before each statement; raises where the work has taken too long."""
        self.connection = connection
        self._check = check

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
        if self._check is not None:
            self._check()
        return self.connection.execute(statement, parameters)


class Write(Read):
    """A transaction that may change rows. Its topics are notified once it is on disk."""

    def __init__(self, connection: sa.Connection) -> None:
        super().__init__(connection)
        self.topics: set[str] = set()

    def notify(self, topic: str) -> None:
        """Wake whoever waits for `topic`, after the commit; not at all when the transaction fails."""
        self.topics.add(topic)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Around what may fail by itself: nothing of it is kept then, the rest of the transaction is. Raises on."""
        topics = set(self.topics)
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            self.topics = topics
            raise
