"""Backups of a workspace whose database is one of PostgreSQL, and workspaces that change the kind of theirs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from faena.db import Database
from faena.db.row_copy import TableSum, sums
from faena.kernel.errors import ServiceException, WorkspaceException
from faena.server.database_move import move
from faena.testing.postgresql import Server
from faena.workspaces import database_place
from faena.workspaces.model import create_folder, open_folder
from tests.backups.house import Place
from tests.tidying.house import TidyHouse

pytestmark = pytest.mark.postgresql
FILES = {"outputs/net.npz": b"weights" * 999, "outputs/ä.txt": "ä\n".encode()}


def summed(database: Database) -> dict[str, TableSum]:
    return database.submit_read(lambda read: sums(read.connection)).result(60)


@pytest.fixture
def url(postgresql_server: Server) -> Iterator[str]:
    with postgresql_server.database() as found:
        yield found


@contextmanager
def on(url: str, folder: Path) -> Iterator[TidyHouse]:
    """The workspace in `folder`, with its database there."""
    house = TidyHouse(folder, open_database=lambda _: Database(url))
    try:
        yield house
    finally:
        house.close()


@pytest.fixture
def place(tmp_path: Path, url: str) -> Iterator[Place]:
    workspace = create_folder(tmp_path / "here", "original")
    database_place.choose(workspace.path, url)
    with on(url, workspace.path) as house:
        yield Place(workspace, house, tmp_path / "backup")


def test_a_backup_of_postgresql_is_one_of_any_workspace(place: Place, tmp_path: Path) -> None:
    run_id = place.house.run(FILES)
    as_it_was = summed(place.house.database)
    assert place.back_up().missing == ()
    assert (place.record.runs, place.record.objects) == (1, 2)
    (kept,) = place.folder.glob("faena-*.db")
    assert kept.stat().st_mode & 0o777 == 0o600
    place.holds({run_id: FILES}, tmp_path / "elsewhere")
    later = place.house.run({"outputs/later": b"later"})
    place.back_up()
    place.holds({run_id: FILES, later: {"outputs/later": b"later"}}, tmp_path / "both")
    assert as_it_was["runs"].rows == 1


def test_what_is_written_meanwhile_is_in_the_next_backup(place: Place) -> None:
    place.house.run(FILES)
    asked: list[str] = []

    def more(_: object) -> None:
        """When the moment has been chosen, and rows are not read yet."""
        if not asked:
            asked.append(place.house.run({"outputs/meanwhile": b"x"}))

    place.tell = more
    place.back_up()
    assert (place.record.runs, place.record.objects) == (1, 2)
    place.back_up()
    assert (place.record.runs, place.record.objects) == (2, 3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_database_that_goes_away_leaves_the_last_backup(
    place: Place, postgresql_server: Server, url: str
) -> None:
    place.house.run(FILES)
    place.back_up()
    before = place.record

    def cut(_: object) -> None:
        postgresql_server.execute(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'faena backup' "
            f"AND datname = '{urlsplit(url).path.rpartition('/')[2]}'",  # others have theirs on this server
        )

    place.tell = cut
    with pytest.raises(ServiceException, match="could not be read to its end"):
        place.back_up()
    gc.collect()  # the driver warns of a cursor that could not be closed on a connection that is cut
    assert place.record == before


class TestMoving:
    def test_a_workspace_goes_from_its_file_to_postgresql_with_all_that_it_has(
        self, tmp_path: Path, url: str
    ) -> None:
        workspace = create_folder(tmp_path / "here", "moved")
        house = TidyHouse(workspace.path)
        run_id = house.run(FILES)
        before = summed(house.database)
        house.close()
        assert move(open_folder(workspace.path), url) == sum(found.rows for found in before.values())
        assert database_place.place(workspace.path) == url
        assert not (workspace.path / "faena.db").exists()
        assert (workspace.path / "before-postgresql-faena.db").exists()
        with on(url, workspace.path) as there:
            assert summed(there.database) == before
            assert there.files(run_id) == FILES
        with pytest.raises(WorkspaceException, match="already"):
            move(open_folder(workspace.path), url)

    def test_what_a_kill_left_is_done_again(self, tmp_path: Path, url: str) -> None:
        workspace = create_folder(tmp_path / "here", "moved")
        house = TidyHouse(workspace.path)
        house.run(FILES)
        house.close()
        moved = move(open_folder(workspace.path), url)
        (workspace.path / database_place.RECORD).unlink()  # killed between the commit and its record
        for name in ("faena.db", "commits-of-faena.db"):
            (workspace.path / f"before-postgresql-{name}").rename(workspace.path / name)
        assert move(open_folder(workspace.path), url) == moved

    def test_a_database_with_other_rows_is_refused_and_nothing_changes(
        self, place: Place, tmp_path: Path, url: str
    ) -> None:
        place.house.run(FILES)
        workspace = create_folder(tmp_path / "another", "another")
        house = TidyHouse(workspace.path)
        house.run(FILES)
        house.close()
        before = summed(place.house.database)
        with pytest.raises(WorkspaceException, match="has rows already"):
            move(open_folder(workspace.path), url)
        assert summed(place.house.database) == before
        assert database_place.place(workspace.path) == workspace.path / "faena.db"
