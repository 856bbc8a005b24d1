"""What other processes with the same database of PostgreSQL have committed: told with the commit, heard by a thread."""

from __future__ import annotations

import logging
import secrets
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from faena.kernel.notifications import ALL

_CHANNEL = "faena"
_LARGEST = 7900
"""Bytes that PostgreSQL takes at once, and a few to spare."""
_MOST = 20
"""Messages of one commit; of more it is said that anything may have changed."""
_LOOK_S = 1.0
"""Between looks that stand in for a connection that is lost."""
_FIRST_S = 5.0
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "connect_timeout": 5,
    "application_name": "faena",
}
"""So that a connection whose other host is gone is known to be in about ten seconds."""
_log = logging.getLogger(__name__)

Heard = Callable[[set[str]], None]


class Hearing:
    """What is told by this process, and a thread that hears what others tell. `heard`: called there."""

    def __init__(self, conninfo: str, heard: Heard | None) -> None:
        self._conninfo = conninfo
        self._own = secrets.token_hex(4)
        self._ends = False
        self._begun = threading.Event()
        self._woken, self._wake = socket.socketpair()
        self._thread: threading.Thread | None = None
        if heard is not None:
            self._thread = threading.Thread(target=self._run, args=(heard,), name="db-hear", daemon=True)
            self._thread.start()
            self._begun.wait(_FIRST_S)  # what comes from now on is heard

    def messages(self, topics: Iterable[str]) -> list[str]:
        """What tells others of these topics, each short enough for one notification."""
        made = list(_packed(self._own, sorted(topics)))
        return made if len(made) <= _MOST else [f"{self._own}\n{ALL}"]

    def close(self) -> None:
        self._ends = True
        self._wake.close()
        if self._thread is not None:
            self._thread.join()
        self._woken.close()

    def _run(self, heard: Heard) -> None:
        is_lost = False
        while not self._ends:
            try:
                self._hear(heard, missed=is_lost)
            except Exception as error:  # noqa: BLE001  whatever it is: without it, others' changes would be missed
                if not is_lost:
                    _log.warning(
                        "what other servers change is looked for once a second: %s", _in_short(error)
                    )
                is_lost = True
                heard({ALL})
                select.select([self._woken.fileno()], [], [], _LOOK_S)

    def _hear(self, heard: Heard, *, missed: bool) -> None:
        """Until this is to end. Raises where the connection is lost."""
        import psycopg

        with psycopg.connect(self._conninfo, autocommit=True, **KEEPALIVES) as connection:  # type: ignore[arg-type]  # of mixed types
            connection.execute(f"LISTEN {_CHANNEL}")
            self._begun.set()
            if missed:
                heard({ALL})
            while not self._ends:
                select.select([connection.fileno(), self._woken.fileno()], [], [])
                for told in connection.notifies(timeout=0):
                    self._take(told.payload, heard)

    def _take(self, message: str, heard: Heard) -> None:
        whose, *topics = message.split("\n")
        if whose != self._own and topics:
            heard(set(topics))


def columns(messages: list[str]) -> tuple[str, tuple[str, ...]]:
    """More columns of a SELECT, which tell these to others when its transaction is committed; with parameters."""
    parameters = tuple(part for message in messages for part in (_CHANNEL, message))
    return ", pg_notify(%s, %s)" * len(messages), parameters


def _packed(own: str, topics: Iterable[str]) -> Iterator[str]:
    part = own
    for topic in topics:
        name = topic if "\n" not in topic and len(topic.encode()) < _LARGEST // 2 else ALL
        if len(part.encode()) + len(name.encode()) + 1 > _LARGEST:
            yield part
            part = own
        part += f"\n{name}"
    yield part


def _in_short(error: Any) -> str:
    return " ".join(str(error).split())[:300]
