"""A folder that says it is a backup, and was made to do harm: it is refused, and nothing is read that it only names."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from faena.backups.model import RECORD
from faena.backups.restoring import restore
from faena.kernel.errors import WorkspaceException
from tests.backups.house import Place


def saying(**other: object) -> Callable[[Path, Place], None]:
    def change(folder: Path, place: Place) -> None:
        said = msgspec.to_builtins(place.record) | other
        (folder / RECORD).write_bytes(msgspec.json.encode(said))

    return change


def listing(data: bytes) -> Callable[[Path, Place], None]:
    """The digest of the list is right, what is in it is not."""

    def change(folder: Path, place: Place) -> None:
        (folder / place.record.list).write_bytes(data)
        found = hashlib.sha256(data).hexdigest()
        saying(list_digest=found, objects=len(data.split()))(folder, place)

    return change


def with_pipe(name: str) -> Callable[[Path, Place], None]:
    """Whoever opens one to read it waits for ever. `name`: of a file, or of what the record calls so."""

    def change(folder: Path, place: Place) -> None:
        path = folder / getattr(place.record, name, name)
        path.unlink()
        os.mkfifo(path)

    return change


def object_without_end(folder: Path, place: Place) -> None:
    path = next((folder / "objects").glob("*/*"))
    path.unlink()
    path.symlink_to("/dev/zero")


def nested(folder: Path, place: Place) -> None:
    (folder / RECORD).write_bytes(b'{"format": 2, "x": ' + b"[" * 100_000)


HARM: dict[str, tuple[Callable[[Path, Place], None], str]] = {
    "another folder": (saying(datastores=".."), "its datastores is none that Faena writes"),
    "itself": (saying(datastores=""), "its datastores is none"),
    "no name of a file": (saying(list="a\0b"), "its list is none"),
    "an id with a path": (saying(workspace_id="../../x"), "its workspace_id is none"),
    "a time that is none": (saying(at=2**62), "its at is none"),
    "fewer than nothing": (saying(size=-1), "its size is none"),
    "more than is listed": (saying(objects=10**12), "list of the backup, .* is damaged"),
    "a date with lines": (saying(as_of="x\ny"), "its as_of is none"),
    "nested": (nested, "cannot be read"),
    "paths for digests": (listing(b"../../../etc/passwd\n"), "list of the backup, .* is damaged"),
    "no text": (listing(b"\xff\xfe\n"), "list of the backup, .* is damaged"),
    "an object without end": (object_without_end, "objects of the backup are damaged"),
    "a record that waits": (with_pipe(RECORD), "cannot be read"),
    "a list that waits": (with_pipe("list"), "list of the backup, .* is damaged"),
    "a database that waits": (with_pipe("database"), "database of the backup, .* is damaged"),
}


@contextmanager
def backup(place: Place, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "changed"
    shutil.copytree(place.folder, folder)
    yield folder
    shutil.rmtree(folder)


def test_what_is_to_do_harm_is_refused(place: Place, tmp_path: Path) -> None:
    place.house.run({"outputs/a": b"x"})
    place.back_up()
    for number, (what, (change, said)) in enumerate(HARM.items()):
        with backup(place, tmp_path) as folder:
            change(folder, place)
            with pytest.raises(WorkspaceException, match=said):
                restore(folder, tmp_path / str(number), lambda done, all_of: None, name=f"harmed-{number}")
            assert not (tmp_path / str(number) / ".faena" / "workspace.json").exists(), what
