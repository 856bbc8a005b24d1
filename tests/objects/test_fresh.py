"""Small objects are kept with the rows that refer to them, and get their files afterwards, whatever happens between."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from faena.db import Database, Read, Write
from faena.health.objects import check_objects
from faena.health.subject import Subject
from faena.kernel.errors import Conflict, StorageFull
from faena.objects import store
from faena.objects.files import FolderObjects
from faena.objects.fresh import FreshObjects, fresh
from faena.server import app  # noqa: F401  its features add their tables

DATA = b"weights"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "faena.db")
    yield made
    made.close()


@pytest.fixture
def files(tmp_path: Path) -> FolderObjects:
    return FolderObjects(tmp_path / "objects")


def refer(write: Write, digest: str) -> str:
    store.touch(write, {digest: len(DATA)}, 1)
    return digest


def rows(read: Read) -> list[str]:
    return list(read.execute(fresh.select()).scalars())


def read_whole(file: BinaryIO) -> bytes:
    with file:
        return file.read()


@asynccontextmanager
async def kept(files: FolderObjects, database: Database) -> AsyncIterator[FreshObjects]:
    objects = FreshObjects(files, database)
    assert await objects.keep(DATA, refer) == DIGEST
    yield objects


def test_they_are_read_before_they_have_a_file_and_afterwards(
    files: FolderObjects, database: Database
) -> None:
    async def check() -> None:
        async with kept(files, database) as objects:
            for has_file in (False, True):
                assert (DIGEST in files.list()) is has_file
                assert read_whole(files.open(DIGEST)) == read_whole(files.open_to_seek(DIGEST)) == DATA
                assert files.size(DIGEST) == files.check(DIGEST) == len(DATA)
                assert await database.read(rows) == ([] if has_file else [DIGEST])
                await objects.bring()
            await objects.keep(DATA, refer)
            assert await database.read(rows) == [], "what has a file gets no row again"

    asyncio.run(check())


def test_the_next_server_gives_them_files(files: FolderObjects, database: Database, tmp_path: Path) -> None:
    async def check() -> None:
        async with kept(files, database):
            pass  # and the server is killed
        after = FolderObjects(tmp_path / "objects")
        next_one = FreshObjects(after, database)
        await next_one.begin()
        assert read_whole(after.open(DIGEST)) == DATA
        await next_one.bring()
        assert after.path(DIGEST).read_bytes() == DATA
        assert await database.read(rows) == []

    asyncio.run(check())


def test_what_is_refused_leaves_nothing(files: FolderObjects, database: Database) -> None:
    def refuse(write: Write, digest: str) -> None:
        refer(write, digest)
        raise Conflict("It cannot be there.")

    async def check() -> None:
        with pytest.raises(Conflict):
            await FreshObjects(files, database).keep(DATA, refuse)
        assert files.size(DIGEST) is None
        assert await database.read(rows) == []
        assert await database.read(lambda read: store.known(read, [DIGEST])) == {}

    asyncio.run(check())


def test_they_heal_what_was_damaged(files: FolderObjects, database: Database) -> None:
    files.put([DATA])
    files.path(DIGEST).chmod(0o644)
    files.path(DIGEST).write_bytes(b"rubbish")

    async def check() -> None:
        async with kept(files, database) as objects:
            assert read_whole(files.open(DIGEST)) == DATA
            await objects.bring()
        assert read_whole(FolderObjects(files.path(DIGEST).parents[1]).open(DIGEST)) == DATA

    asyncio.run(check())


def test_they_stay_in_the_database_while_the_disk_is_full(
    files: FolderObjects, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageFull("The disk is full.")

    async def check() -> None:
        async with kept(files, database) as objects:
            with monkeypatch.context() as patched:
                patched.setattr(files, "put_all", full)
                with pytest.raises(StorageFull):
                    await objects.bring()
            assert (await database.read(rows), read_whole(files.open(DIGEST))) == ([DIGEST], DATA)
            await objects.bring()
            assert await database.read(rows) == []

    asyncio.run(check())


def test_who_reads_files_by_their_paths_gets_one(files: FolderObjects, database: Database) -> None:
    """Nodes do, of this host, and copies that share blocks."""

    async def check() -> None:
        async with kept(files, database):
            assert files.size_to_keep(DIGEST) == len(DATA)
            assert files.path(DIGEST).read_bytes() == DATA

    asyncio.run(check())


def test_the_doctor_misses_none_of_them(files: FolderObjects, database: Database, tmp_path: Path) -> None:
    async def check() -> None:
        async with kept(files, database):
            found = list(check_objects(Subject(tmp_path)))
            assert [(each.name, each.found) for each in found][:1] == [("missing objects", "none of 1")]

    asyncio.run(check())
