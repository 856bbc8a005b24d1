"""What a backup does with bad folders, disks and bytes, without a server around it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import zstandard

from faena.backups.copies import PARTIAL, digest_of
from faena.backups.destination import check_target
from faena.backups.first_start import prepare_first_start
from faena.backups.model import RECORD, object_path
from faena.backups.restoring import restore
from faena.db import Database, Write
from faena.kernel.errors import (
    ServiceException,
    StorageFull,
    UserErrorException,
    WorkspaceException,
)
from faena.runs import store
from faena.runs.model import EndReason, RunStatus
from faena.workspaces import store as workspaces
from tests.backups.house import Place, of


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB. Needs the right to mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.long
def test_what_cannot_be_read_is_named_and_all_else_is_saved(place: Place, tmp_path: Path) -> None:
    files = {f"outputs/{number}": bytes([number]) * 1000 for number in range(60)}
    run_id = place.house.run(files)
    gone, changed, folder = (of(place, files[f"outputs/{number}"]) for number in (3, 40, 59))
    gone.unlink()
    changed.chmod(0o644)
    changed.write_bytes(b"x" * 1000)
    folder.unlink()
    folder.mkdir()
    view = place.back_up()
    bad = {gone.name, changed.name, folder.name}
    assert set(view.missing) == set(place.record.missing) == bad
    assert (view.objects, view.copied, view.bytes_copied, view.size) == (60, 57, 57_000, 60_000)
    assert (place.record.objects, place.record.size) == (57, 57_000)
    other = place.restored(tmp_path / "elsewhere")
    assert other.bytes(of(place, files["outputs/0"]).name) == files["outputs/0"]
    other.close()
    folder.rmdir()
    for number in (3, 40, 59):
        of(place, files[f"outputs/{number}"])  # the bytes come again
    assert place.back_up().missing == ()
    place.holds({run_id: files}, tmp_path / "whole")
    kept = object_path(place.folder, gone.name)
    gone.unlink()
    assert place.back_up(verify=True).missing == (), "the backup alone has the bytes now"
    assert kept.read_bytes() == files["outputs/3"]
    assert kept.stat().st_nlink == 1
    assert place.folder.stat().st_mode & 0o077 == 0, "as private as the workspace"
    databases = list(place.folder.glob("faena-*.db"))
    assert databases and all(each.stat().st_mode & 0o777 == 0o600 for each in databases), (
        "whoever may look there"
    )


def test_a_full_disk_leaves_the_last_whole_backup(place: Place, small_disk: Path, tmp_path: Path) -> None:
    place.folder = small_disk / "backup"
    first = {"outputs/a": os.urandom(100_000)}
    run_id = place.house.run(first)
    place.back_up()
    before = {each.name for each in place.folder.iterdir()}
    place.house.run({"outputs/b": os.urandom(3_000_000)})
    with pytest.raises(
        StorageFull, match=r"needs 3,\d\d\d,\d{3} bytes more there, [\d,]+ are free"
    ) as objects:
        place.back_up()
    with (small_disk / "ballast").open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(4_000_000))
    with pytest.raises(StorageFull, match=r"needs 3,\d\d\d,\d{3} bytes more there, 0 are free") as database:
        place.back_up()
    for told in (objects, database):
        assert str(told.value).endswith("UTC in the folder is whole.")
    assert {each.name for each in place.folder.iterdir()} == before
    place.holds({run_id: first}, tmp_path / "elsewhere")
    with pytest.raises(WorkspaceException, match=r"No space left .* takes [\d,]+ bytes: free some space"):
        restore(place.folder, small_disk / "no", lambda number, of: None, name="none")
    place.folder = small_disk / "another"
    with pytest.raises(StorageFull, match=r"goes on from what is there\.$"):
        place.back_up()


@pytest.mark.long
def test_one_that_is_stopped_leaves_the_last_whole_backup(place: Place, tmp_path: Path) -> None:
    first = {"outputs/a": b"a"}
    run_id = place.house.run(first)
    place.back_up()
    before = {each.name for each in place.folder.iterdir()}
    later = {f"outputs/{number}": os.urandom(1000) for number in range(120)}
    other = place.house.run(later)
    place.tell = lambda view: place.stopped.set() if view.objects else None
    with pytest.raises(ServiceException, match="The server left before the backup into"):
        place.back_up()
    assert {each.name for each in place.folder.iterdir()} == before
    place.holds({run_id: first}, tmp_path / "elsewhere")
    place.stopped.clear()
    place.tell = lambda view: None
    assert 0 < place.back_up().copied < 120, "it went on from what was there"
    place.holds({run_id: first, other: later}, tmp_path / "later")


@pytest.mark.long
def test_a_damaged_database_does_not_take_the_place_of_a_whole_one(place: Place, tmp_path: Path) -> None:
    runs = {place.house.run({"outputs/a": bytes([n])}): {"outputs/a": bytes([n])} for n in range(50)}
    place.back_up()
    whole = (place.folder / RECORD).read_bytes()
    place.house.close()
    data = place.workspace.database.read_bytes()
    pages = [data[start : start + 4096] for start in range(0, len(data), 4096)]
    # pages of `runs`, which a backup does not read itself; and all but the first, which names the tables
    for damaged in ([b"train.py" in page for page in pages], [number > 0 for number in range(len(pages))]):
        assert any(damaged)
        place.workspace.database.write_bytes(
            b"".join(
                os.urandom(100) + page[100:] if is_damaged else page
                for page, is_damaged in zip(pages, damaged, strict=True)
            )
        )
        with pytest.raises(WorkspaceException, match="database is damaged"):
            place.back_up()
    place.workspace.database.write_bytes(b"no database at all" * 1000)
    with pytest.raises(WorkspaceException, match="database is damaged"):
        place.back_up()
    assert (place.folder / RECORD).read_bytes() == whole
    place.holds(runs, tmp_path / "elsewhere")


@pytest.mark.long
def test_a_backup_of_an_older_schema_is_brought_up_at_the_first_start(place: Place, tmp_path: Path) -> None:
    place.back_up()
    older = place.folder / place.record.database
    [kept] = (Path(__file__).parents[1] / "db" / "kept").glob("schema-2.db.zst")
    older.write_bytes(zstandard.ZstdDecompressor().decompress(kept.read_bytes()))
    with closing(sqlite3.connect(older)) as connection:
        (run_id,) = connection.execute("SELECT id FROM runs LIMIT 1").fetchone()
        connection.execute("UPDATE runs SET status = 'Running', ended_at = NULL WHERE id = ?", (run_id,))
        connection.commit()
    changed = {"schema": 2, "database_digest": digest_of(older)}
    (place.folder / RECORD).write_bytes(msgspec.json.encode(msgspec.structs.replace(place.record, **changed)))

    workspace = restore(place.folder, tmp_path / "new", lambda number, of: None, name="restored").workspace
    database = Database(workspace.database)
    try:
        for _ in range(2):  # the second start finds nothing to do
            asyncio.run(prepare_first_start(database, workspace, place.house.clock))
        run = database.submit_read(lambda read: store.get(read, run_id)).result()
        assert run is not None
        assert (run.status, run.reason) == (RunStatus.FAILED, EndReason.RESTORED)
        assert database.submit_read(store.unfinished).result() == []
    finally:
        database.close()


def test_files_of_datastores_are_as_they_are_now(place: Place, tmp_path: Path) -> None:
    own = place.workspace.path / "datastores" / "workspaceblobstore"
    (own / "a").mkdir(parents=True)
    (own / "a" / "one").write_text("1")
    (own / "a" / "two").write_text("2")
    (own / "b").write_text("b")
    (own / ("n" * 255)).write_text("long")
    place.back_up()
    (own / "a" / "one").unlink()
    (own / "a" / "two").write_text("22")
    (own / "b").unlink()
    (own / "b").mkdir()
    (own / "b" / "c").write_text("c")
    (own / "link").symlink_to("/etc/hostname")
    os.mkfifo(own / "pipe")
    view = place.back_up()
    assert set(view.unread) == {f"datastores/workspaceblobstore/{name}" for name in ("link", "pipe")}
    assert place.record.unread == view.unread
    (place.folder / PARTIAL).write_text("half a file, of a killed backup")
    (tmp_path / "elsewhere" / ".faena" / "datastores").mkdir(parents=True)
    (tmp_path / "elsewhere" / ".faena" / "datastores" / "else").write_text("of a killed restore")
    place.restored(tmp_path / "elsewhere").close()
    assert [each.name for each in (tmp_path / "elsewhere" / ".faena" / "datastores").iterdir()] == [own.name]
    found = tmp_path / "elsewhere" / ".faena" / "datastores" / own.name
    assert {
        str(each.relative_to(found)): each.read_text() for each in found.rglob("*") if each.is_file()
    } == {
        "a/two": "22",
        "b/c": "c",
        "n" * 255: "long",
    }


def test_which_folders_hold_backups(place: Place, tmp_path: Path) -> None:
    def made(name: str, mark: bytes | None = None) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        if mark is not None:
            (folder / ".faena-backup").write_bytes(mark)
        return folder

    inside = tmp_path / "inside"
    inside.symlink_to(place.workspace.path)
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    (made("folder") / ".faena-backup").mkdir()
    for folder, said in (
        (inside / "backup", "lies in the workspace itself"),
        (circle, "cannot hold a backup"),
        (tmp_path / ("n" * 300), "File name too long"),
        (made("bytes", b"\xff\xfe"), "backups of another workspace"),
        (made("empty", b""), "holds no backup"),
        (tmp_path / "folder", "holds no backup"),
        (Path("/nul\0"), "not an absolute path"),
    ):
        with pytest.raises(UserErrorException, match=said):
            check_target(folder, place.workspace)
    (made("half") / "..faena-backup.0123456789abcdef").write_text("half a mark, of a killed backup")
    place.folder = tmp_path / "half"
    check_target(place.folder, place.workspace)
    place.back_up()
    check_target(place.folder, place.workspace)


def test_experiments_with_files_elsewhere_are_named(place: Place) -> None:
    def tell(write: Write) -> None:
        for name, tags in (("here", {"a": "b"}), ("there", {"faena.artifact_location": "s3://bucket/x"})):
            workspaces.create_experiment(write, name, 1)
            workspaces.set_tags(write, name, tags)

    place.house.database.submit_write(tell).result()
    assert place.back_up().elsewhere == ("there: s3://bucket/x",)
