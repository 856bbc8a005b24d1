"""Which commits of a process a database of PostgreSQL has: the number of the last one, in a row of the process's own.

A commit whose answer was lost is looked up by it. The numbers of PostgreSQL's own transactions do not tell: one that
crashed, and a replica that takes its place, give those to others that never came to its disk. So, too, whoever comes
back to a database that lacks what was acknowledged finds out.
"""

from __future__ import annotations

import secrets
import time

_TABLE = "server_commits"
"""No feature's, as that of who leads: it belongs to no copy of the database."""
_DAYS = 30
MAKE = (
    f"CREATE TABLE IF NOT EXISTS {_TABLE} (process text PRIMARY KEY, number bigint NOT NULL, at timestamptz NOT NULL) "
    "WITH (fillfactor = 50)"
)
FORGET = f"DELETE FROM {_TABLE} WHERE at < now() - interval '{_DAYS} days'"
MARK = (
    f"INSERT INTO {_TABLE} SELECT %s, %s, now() WHERE pg_current_xact_id_if_assigned() IS NOT NULL "
    "ON CONFLICT (process) DO UPDATE SET number = excluded.number, at = excluded.at RETURNING number"
)
"""In a transaction that has changed something. Of one that has not, there is nothing to be known."""
_FOUND = f"SELECT number FROM {_TABLE} WHERE process = '%s'"
_SURELY_THERE_S = (_DAYS - 1) * 86400
"""Seconds after which others may have forgotten the row."""


class KeptCommits:
    """Of this process. Belongs to the thread that writes."""

    def __init__(self) -> None:
        self.process = secrets.token_hex(8)
        self._number = 0
        """Of the last commit that was asked for."""
        self._answered = 0
        """Of the last one that was answered and had changed something."""
        self._answered_at = 0.0

    @property
    def look(self) -> str:
        """A statement that finds what `has` and `lacking` are given."""
        return _FOUND % self.process

    def next(self) -> tuple[str, int]:
        """What `MARK` is given, of a transaction that is about to be committed."""
        self._number += 1
        return self.process, self._number

    def answered(self) -> None:
        """The last one, which had changed something."""
        self._answered, self._answered_at = self._number, time.monotonic()

    def has_last(self, found: int | None) -> bool:
        return found == self._number

    def lacking(self, found: int | None) -> int:
        """How many of those that were answered are not there, at most; 0: all are."""
        is_unknown = found is None and time.monotonic() - self._answered_at > _SURELY_THERE_S
        return 0 if is_unknown else max(0, self._answered - (found or 0))
