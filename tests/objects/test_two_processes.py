"""Two processes with one folder of objects: what one puts while the other collects is there afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.db import Database, Read, Write
from faena.kernel.digests import of_bytes
from faena.objects.contract import PINNED_S
from faena.objects.files import FolderObjects
from faena.objects.service import Objects
from faena.objects.store import known
from faena.objects.uploads import Uploads
from faena.testing.clock import ManualClock
from faena.testing.postgresql import Server
from faena.tidying.garbage_collection import Collector
from faena.tidying.model import UNTOUCHED_S
from faena.tidying.schemas import CollectionRequest

pytestmark = pytest.mark.postgresql
DATA = b"what both have"
DIGEST = of_bytes(DATA)
Put = Callable[[Objects, Path], Awaitable[Any]]


class Process:
    def __init__(self, url: str, folder: Path, clock: ManualClock) -> None:
        self.database = Database(url, readers=1)
        self.files = FolderObjects(folder, clock.monotonic, alone=False)
        self.objects = Objects(self.files, self.database, clock, alone=False)
        self.collector = Collector(self.database, self.files, clock, asyncio.Lock(), False)

    def has(self, digest: str) -> bool:
        """Its bytes and its row."""

        def look(read: Read) -> bool:
            return digest in known(read, [digest])

        return self.files.path(digest).exists() and self.database.submit_read(look).result(60)


class Two:
    def __init__(self, url: str, folder: Path) -> None:
        self.clock = ManualClock()
        self.leader, self.other = (Process(url, folder, self.clock) for _ in range(2))

    def close(self) -> None:
        self.leader.database.close()
        self.other.database.close()

    async def forget(self) -> None:
        """Have what was put be old enough to be collected."""
        self.clock.advance(max(UNTOUCHED_S, PINNED_S) + 1)

    def collect_before_the_next_write(self) -> None:
        """Of the other: when it has looked what is there, and before it says that it needs it."""
        database, write, collector = self.other.database, self.other.database.write, self.leader.collector

        async def later(work: Callable[[Write], Any]) -> Any:
            database.write = write  # type: ignore[method-assign]  # as it was
            found = await collector.collect(CollectionRequest())
            assert found.objects == 1
            return await write(work)

        database.write = later  # type: ignore[method-assign]  # for the next call


@pytest.fixture
def two(postgresql_server: Server, tmp_path: Path) -> Iterator[Two]:
    with postgresql_server.database() as url:
        made = Two(url, tmp_path / "objects")
        yield made
        made.close()


async def parts() -> AsyncIterator[bytes]:
    yield DATA


def source(folder: Path) -> Path:
    (folder / "source").write_bytes(DATA)
    return folder / "source"


async def keep_fresh(objects: Objects, _: Path) -> None:
    await objects.fresh.keep(DATA, lambda write, digest: None)
    await objects.missing([DIGEST])


PUTS: dict[str, Put] = {
    "put": lambda objects, _: objects.put([DATA]),
    "receive": lambda objects, _: objects.receive(parts(), expected=DIGEST),
    "put_all": lambda objects, _: objects.put_all([(DIGEST, DATA)]),
    "put_file": lambda objects, folder: objects.put_file(source(folder)),
    "taken file": lambda objects, folder: objects.put_file(source(folder), take=True),
    "known file": lambda objects, folder: objects.take_known(source(folder), DIGEST),
    "fresh": keep_fresh,
}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@pytest.mark.parametrize("name", PUTS)
def test_what_is_put_again_while_it_is_collected_stays(two: Two, tmp_path: Path, name: str) -> None:
    async def work() -> None:
        await two.leader.objects.put([DATA])
        await two.forget()
        two.collect_before_the_next_write()
        await PUTS[name](two.other.objects, tmp_path)

    run(work())
    assert two.leader.has(DIGEST)


def test_what_was_asked_for_while_it_was_collected_is_missing(two: Two) -> None:
    async def work() -> None:
        await two.leader.objects.put([DATA])
        await two.forget()
        two.collect_before_the_next_write()
        assert await two.other.objects.missing([DIGEST]) == [DIGEST]

    run(work())


def test_what_the_other_has_renewed_is_not_collected(two: Two) -> None:
    async def work() -> None:
        await two.leader.objects.put([DATA])
        await two.forget()
        assert await two.other.objects.missing([DIGEST]) == []
        assert (await two.leader.collector.collect(CollectionRequest())).objects == 0

    run(work())
    assert two.other.has(DIGEST)


def test_small_ones_that_have_no_file_yet_are_read_by_both(two: Two) -> None:
    async def work() -> None:
        await two.other.objects.fresh.keep(DATA, lambda write, digest: None)
        assert two.leader.files.open(DIGEST).read() == DATA
        assert two.leader.files.size(DIGEST) == two.leader.files.check(DIGEST) == len(DATA)
        await two.leader.objects.fresh.bring()
        assert two.leader.files.path(DIGEST).exists()
        await two.other.objects.fresh.bring()
        assert two.other.objects.fresh.takes_more
        assert not two.other.files.fresh, "what the other has brought is nothing to bring any more"

    run(work())


def test_what_has_begun_to_come_stays_where_another_process_starts(two: Two, tmp_path: Path) -> None:
    incoming = two.leader.files.begin()
    incoming.write(DATA)
    FolderObjects(tmp_path / "objects", alone=False)
    incoming.keep()
    incoming.close()
    assert two.other.files.size(DIGEST) == len(DATA)


def test_an_upload_whose_last_piece_both_get_is_kept(two: Two, tmp_path: Path) -> None:
    """As where a client that got no answer asks again, and the balancer gives it to the other."""
    one, other = (Uploads(tmp_path / "uploads", each.objects) for each in (two.leader, two.other))
    put_file = two.leader.objects.put_file

    async def later(path: Path, **options: Any) -> tuple[str, int]:
        two.leader.objects.put_file = put_file  # type: ignore[method-assign]  # as it was
        assert (await other.receive(DIGEST, len(DATA), len(DATA), nothing())).kept
        return await put_file(path, **options)

    async def work() -> None:
        await other.receive(DIGEST, 0, len(DATA), of(DATA[:5]))
        two.leader.objects.put_file = later  # type: ignore[method-assign]  # for the next call
        assert (await one.receive(DIGEST, 5, len(DATA), of(DATA[5:]))).kept

    run(work())
    assert two.leader.has(DIGEST)


async def of(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def nothing() -> AsyncIterator[bytes]:
    for part in list[bytes]():
        yield part
