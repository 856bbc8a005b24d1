"""What a folder of backups keeps: a new backup never makes an older one worse."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from faena.backups import retained
from faena.backups.history import advice, known
from faena.backups.model import RECORD, object_path
from faena.backups.restoring import restore
from faena.kernel.errors import UserErrorException, WorkspaceException
from tests.backups.house import Place, of


def when(at: int, **later: float) -> str:
    return (datetime.fromtimestamp(at / 1e6, UTC) + timedelta(**later)).isoformat()


def test_the_last_ones_stay_each_as_it_was(place: Place, tmp_path: Path) -> None:
    """One a day: what the second lost is in the first, also in the datastores."""
    own = place.workspace.path / "datastores" / "workspaceblobstore"
    own.mkdir(parents=True)
    (own / "same").write_text("same")
    times, runs = [], {}
    for number in range(4):
        data = {"outputs/a": os.urandom(100), "outputs/same": b"same"}
        runs[place.house.run(data)] = data
        (own / "changes").write_text(str(number))
        place.back_up()
        times.append(place.record.at)
    assert [record.at for record in retained.records(place.folder)] == times[:0:-1], "three of four"
    names = {each.suffix for each in place.folder.glob(f"faena-{times[0]}.*")}
    assert names == set()
    first = next(iter(runs))
    for number in (1, 2, 3):
        other = place.restored(tmp_path / str(number), at=when(times[number], hours=1))
        try:
            expected = dict(list(runs.items())[: number + 1])
            assert {run_id: other.files(run_id) for run_id in expected} == expected
            assert other.files(first) == runs[first]
        finally:
            other.close()
        found = tmp_path / str(number) / ".faena" / "datastores" / own.name
        assert {each.name: each.read_text() for each in found.iterdir()} == {
            "same": "same",
            "changes": str(number),
        }
    same = [record.datastores for record in retained.records(place.folder)]
    assert len({(place.folder / name / own.name / "same").stat().st_ino for name in same}) == 1, "kept once"
    with pytest.raises(WorkspaceException, match=r"holds no backup of .* or before. There is: \d{4}-"):
        place.restored(tmp_path / "none", at=when(times[0], hours=1))
    with pytest.raises(WorkspaceException, match="'yesterday' is no time"):
        place.restored(tmp_path / "none", at="yesterday")


def test_objects_go_with_the_last_backup_that_holds_them(place: Place) -> None:
    run_id = place.house.run({"outputs/old": b"old", "outputs/b": b"b" * 9, "outputs/c": b"c"})
    place.back_up()
    old = of(place, b"old").name
    place.house.database.submit_write(
        lambda write: write.connection.exec_driver_sql("DELETE FROM run_files WHERE name = 'outputs/old'")
    ).result()
    place.back_up(keep=2)
    assert object_path(place.folder, old).exists()
    place.back_up(keep=2)
    assert not object_path(place.folder, old).exists()
    assert place.house.files(run_id) == {"outputs/b": b"b" * 9, "outputs/c": b"c"}


def _no_runs(place: Place) -> None:
    place.house.database.submit_write(
        lambda write: [
            write.connection.exec_driver_sql(f"DELETE FROM {table}") for table in ("run_files", "runs")
        ]
    ).result()


def _no_files(place: Place) -> None:
    place.house.database.submit_write(
        lambda write: write.connection.exec_driver_sql("DELETE FROM run_files WHERE name != 'outputs/large'")
    ).result()


def _no_bytes(place: Place) -> None:
    place.house.database.submit_write(
        lambda write: write.connection.exec_driver_sql("DELETE FROM run_files WHERE name = 'outputs/large'")
    ).result()


@pytest.mark.parametrize(
    ("lose", "said"),
    [
        (_no_runs, r"only 0 of 1 runs and 0 of 5 files and 0 of 10,004 bytes\."),
        (_no_files, r"only 1 of 5 files\."),
        (_no_bytes, r"only 4 of 10,004 bytes\."),
    ],
)
def test_one_that_lost_most_asks_first(place: Place, lose: Callable[[Place], None], said: str) -> None:
    place.house.run({"outputs/large": bytes(10_000), **{f"outputs/{n}": bytes([n]) for n in range(4)}})
    place.back_up()
    before = {each.name: each.stat().st_mtime_ns for each in place.folder.iterdir()}
    lose(place)
    place.house.run({})
    if lose is _no_runs:
        _no_runs(place)
    with pytest.raises(UserErrorException, match=said) as told:
        place.back_up()
    assert "--yes" in told.value.message
    after = {each.name: each.stat().st_mtime_ns for each in place.folder.iterdir()}
    assert {name for name in after if name != ".faena-backup"} == {
        name for name in before if name != ".faena-backup"
    }
    assert place.back_up(accept_loss=True).loss
    assert len(retained.records(place.folder)) == 2, "the one that has all of it stays"
    assert place.back_up().loss == "", "it asks once"


def test_those_of_every_night_do_not_push_out_the_last_good_one(place: Place) -> None:
    place.house.run({f"outputs/{n}": bytes([n]) for n in range(8)})
    place.back_up()
    good = place.record.at
    _no_runs(place)
    place.back_up(accept_loss=True)
    for _ in range(4):
        place.back_up()
    assert [record.at for record in retained.records(place.folder)][3:] == [good]
    assert retained.records(place.folder)[3].objects == len(
        retained.listed(place.folder, retained.records(place.folder)[3])
    )
    place.back_up(accept_loss=True)
    assert len(retained.records(place.folder)) == 3


def test_a_folder_of_the_first_format_goes_on(place: Place, tmp_path: Path) -> None:
    """One backup, its datastores in `datastores/`, no number of runs."""
    own = place.workspace.path / "datastores" / "workspaceblobstore"
    own.mkdir(parents=True)
    (own / "a").write_text("a")
    files = {"outputs/a": b"a"}
    run_id = place.house.run(files)
    place.back_up()
    record = json.loads((place.folder / RECORD).read_bytes())
    (place.folder / record["datastores"]).rename(place.folder / "datastores")
    (place.folder / record["database"]).with_suffix(".json").unlink()
    first = {key: value for key, value in record.items() if key not in ("datastores", "runs")} | {"format": 1}
    (place.folder / RECORD).write_text(json.dumps(first))
    place.restored(tmp_path / "first").close()
    assert (tmp_path / "first/.faena/datastores/workspaceblobstore/a").read_text() == "a"
    (own / "a").write_text("aa")
    place.back_up()
    place.restored(tmp_path / "old", at=when(record["at"])).close()
    assert (tmp_path / "old/.faena/datastores/workspaceblobstore/a").read_text() == "a"
    place.holds({run_id: files}, tmp_path / "new")
    place.back_up(keep=1)
    assert not (place.folder / "datastores").exists()


def test_a_damaged_record_names_the_backups_beside_it(place: Place, tmp_path: Path) -> None:
    files = {"outputs/a": b"a"}
    run_id = place.house.run(files)
    place.back_up()
    (place.folder / RECORD).write_bytes(b"{")
    with pytest.raises(
        WorkspaceException, match=r"The folder also holds backups of \d{4}-.*: choose one by --at"
    ):
        restore(place.folder, tmp_path / "no", lambda number, of: None)
    [record] = retained.records(place.folder)
    other = place.restored(tmp_path / "other", at=when(record.at))
    assert other.files(run_id) == files
    other.close()


def test_a_workspace_remembers_its_backups(place: Place) -> None:
    folder = place.workspace.path
    assert "Restore a backup: `faena restore --replace BACKUP" in advice(folder)
    place.house.run({"outputs/a": b"a"})
    place.back_up()
    place.back_up()
    [found] = known(folder)
    assert (found.folder, found.at, found.objects) == (str(place.folder), place.record.at, 1)
    assert f"faena restore --replace '{place.folder}'" in advice(folder)
    place.folder.rename(place.folder.with_name("elsewhere"))
    assert known(folder) == []
    assert f"The last one was made in {place.folder}, which is not there now." in advice(folder)
