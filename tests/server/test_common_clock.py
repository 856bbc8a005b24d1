"""Processes on hosts whose clocks differ have one time: the database's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from faena.db import Database
from faena.server.several.common_clock import CommonClock
from faena.testing.postgresql import Server

pytestmark = pytest.mark.postgresql


class Off:
    """The clock of a host that is so many seconds ahead."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> int:
        return time.time_ns() // 1000 + int(self.seconds * 1e6)

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture
def database(postgresql_server: Server) -> Iterator[Database]:
    with postgresql_server.database() as url:
        opened = Database(url)
        yield opened
        opened.close()


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_clock_that_is_off_is_put_right_and_told_of(
    database: Database, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    host = Off(seconds)
    clock = CommonClock(host)
    asyncio.run(clock.compare(database))
    assert abs(clock.now() - time.time_ns() // 1000) < 30_000_000
    assert f"3600 s {'ahead of' if seconds > 0 else 'behind'} that of the database" in caplog.text
    host.seconds = 0  # somebody sets it
    asyncio.run(clock.compare(database))
    assert abs(clock.now() - time.time_ns() // 1000) < 30_000_000


def test_one_that_is_right_is_left_alone(database: Database) -> None:
    host = Off(0.2)
    clock = CommonClock(host)
    asyncio.run(clock.compare(database))
    assert abs(clock.now() - host.now()) < 100_000
