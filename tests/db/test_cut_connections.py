"""A database of PostgreSQL whose connections break: each write counts once, whether or not its commit was answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest
import sqlalchemy as sa

from faena.db import Database, Read, Write
from faena.db.writing import AWAY_S
from faena.kernel.errors import ServiceException
from faena.testing.database import notes
from faena.testing.postgresql import Server

pytestmark = pytest.mark.postgresql
WRITES, CUTS = 150, 8
_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid != pg_backend_pid() AND application_name = 'faena'
"""


@pytest.fixture
def url(postgresql_server: Server) -> Iterator[str]:
    with postgresql_server.database() as found:
        yield found


def cut(url: str, times: int = 1) -> None:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    for _ in range(times):
        with engine.connect() as connection:
            connection.exec_driver_sql(_CUT)


def write(text: str, write: Write) -> None:
    write.execute(notes.insert().values(text=text))


def texts(read: Read) -> list[str]:
    return list(read.execute(sa.select(notes.c.text).order_by(notes.c.id)).scalars())


@pytest.mark.long
def test_each_write_counts_once(url: str) -> None:
    database = Database(url)
    try:
        cutting = threading.Thread(target=cut, args=(url, CUTS))
        cutting.start()
        for number in range(WRITES):
            database.submit_write(partial(write, str(number))).result(60)
        cutting.join()
        cut(url)
        found = database.submit_read(texts).result(60)
    finally:
        database.close()
    assert found == [str(number) for number in range(WRITES)]


def test_one_that_does_not_come_back_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(url)
    try:
        monkeypatch.setattr("faena.db.postgresql.PostgreSQL.returns", lambda _, seconds: seconds > AWAY_S)
        cut(url)
        waiting = database.submit_write(partial(write, "told"))
        with pytest.raises(ServiceException, match="does not answer"):
            waiting.result(60)
        monkeypatch.undo()
        assert database.submit_read(texts).result(60) == []
    finally:
        database.close()
