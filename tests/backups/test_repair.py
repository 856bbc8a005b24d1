"""Damage is told with what it concerns, never handed out, and brought back from wherever the bytes are."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from faena import Experiment, Model, Workspace
from faena.backups.damage import uses
from faena.backups.model import object_path
from faena.backups.schemas import RepairRequest, RepairView
from faena.client.runs.run import Run
from faena.kernel import digests
from faena.kernel.errors import FaenaError, ObjectDamaged, UserErrorException
from faena.objects.references import references
from faena.testing.waiting import until
from tests.backups.house import Place, of
from tests.backups.test_journey import backup
from tests.cli.test_commands import faena
from tests.examples import long_form
from tests.journeys.scripts import Project

WEIGHTS = os.urandom(2_500_000)


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    lasting_workspace.write_config(lasting_workspace.folder)
    return lasting_workspace


def trained(workspace: Workspace, tmp_path: Path, name: str, data: bytes) -> tuple[Run, Path]:
    """A run with source, a large file, and long metrics; the object that holds the file."""
    source = tmp_path / f"source-{name}"
    source.mkdir()
    (source / "train.py").write_text(f"# {name}")
    run = Experiment(workspace, name).start_logging(snapshot_directory=str(source), outputs=None)
    local = tmp_path / f"{name}.npz"
    local.write_bytes(data)
    run.upload_file("outputs/model.npz", str(local))
    local.unlink()
    for _ in range(4000):
        run.log("loss", float(int.from_bytes(os.urandom(6), "big")))
    run.complete()
    model = run.register_model(name, model_path="outputs/model.npz")
    return run, object_path(workspace.files.path, model.view.files[0].digest)


def harm(path: Path) -> None:
    """Three bytes in the middle, and nothing about the file tells of it."""
    status = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        file.write(b"!!!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def repair(workspace: Workspace, **asked: object) -> RepairView:
    return workspace.api.backups.repair(RepairRequest(**asked))  # type: ignore[arg-type]  # as given


@pytest.mark.long
@pytest.mark.parametrize("found_by", ["a backup", *map(long_form, ("a run", "an export"))])
def test_damage_that_somebody_found_is_trusted_by_nobody_more(
    workspace: Workspace, tmp_path: Path, found_by: str
) -> None:
    """Also where nothing about the file tells of it: repair sees it, and the same bytes heal it."""
    project = Project(workspace, tmp_path / "source")
    word = f"found by {found_by}"
    run = project.run(f"print({word!r})")
    place = object_path(workspace.files.path, digests.of_file(project.folder / "train.py"))
    harm(place)
    assert place.name not in {each.digest for each in repair(workspace, dry_run=True).damaged}
    if found_by == "a run":
        assert project.run(f"print({word!r})").get_status() == "Failed"
    elif found_by == "an export":
        with pytest.raises(ObjectDamaged, match=place.name):
            run.export(tmp_path / "exported")
    else:
        assert place.name in backup(workspace, tmp_path / "backup").missing
    assert place.name in {each.digest for each in repair(workspace, dry_run=True).damaged}
    again = project.run(f"print({word!r})")
    assert again.get_status() == "Completed", again.refresh().error
    assert place.name not in {each.digest for each in repair(workspace, dry_run=True, deep=True).damaged}


@pytest.mark.long
def test_nothing_that_is_damaged_goes_out(workspace: Workspace, tmp_path: Path) -> None:
    run, place = trained(workspace, tmp_path, "out", WEIGHTS)
    harm(place)
    into = tmp_path / "into"
    for way in (
        lambda: run.download_file("outputs/model.npz", str(into / "a")),
        lambda: run.download_files(prefix="outputs", output_directory=str(into)),
        lambda: Model(workspace, "out").download(str(into)),
        lambda: run.register_model("again", model_path="outputs/model.npz"),
        lambda: run.export(into / "exported"),
    ):
        with pytest.raises(FaenaError) as told:
            way()
        assert place.name in told.value.message
        assert "damaged" in told.value.message
    assert [path for path in into.rglob("*") if path.is_file() and path.name in ("a", "model.npz")] == []
    with pytest.raises(ObjectDamaged) as said:
        run.download_file("outputs/model.npz", str(into / "a"))
    assert f"outputs/model.npz of run {run.id}, model.npz of model out:1" in said.value.message
    assert not [model for model in Model.list(workspace) if model.name == "again"]

    for digest in _others(workspace, run):
        harm(object_path(workspace.files.path, digest))
    with pytest.raises(ObjectDamaged, match=f"It is metrics and logs of run {run.id}"):
        run.get_metrics()
    with pytest.raises(ObjectDamaged, match=f"train.py in the source of run {run.id}"):
        run.restore_snapshot(path=str(into))
    found = repair(workspace)
    assert {each.digest for each in found.damaged} >= {place.name, *_others(workspace, run)}


def test_a_log_that_is_damaged_is_told_to_who_reads_it_and_to_who_follows(
    workspace: Workspace, project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = project.run("import os; print(os.urandom(60_000).hex())")
    log = "azureml-logs/70_driver_log.txt"
    packs = _packs(workspace, run)
    assert packs
    for digest in packs:
        harm(object_path(workspace.files.path, digest))
    with pytest.raises(ObjectDamaged, match=f"It is metrics and logs of run {run.id}"):
        run.download_file(log, str(tmp_path / "log"))
    assert not (tmp_path / "log").exists()
    capsys.readouterr()
    run.wait_for_completion(show_output=True)
    shown = capsys.readouterr().out
    assert "The rest of this log" in shown and f"It is metrics and logs of run {run.id}" in shown
    assert "Status: Completed" in shown


def _source(workspace: Workspace, run: Run) -> list[str]:
    files = workspace.api.transport.json("GET", f"/snapshots/{run.get_snapshot_id()}")
    return [file["digest"] for file in files]


def _others(workspace: Workspace, run: Run) -> list[str]:
    """What of a run is no file of it: its source and its metrics."""
    packs = _packs(workspace, run)
    assert packs
    return [*_source(workspace, run), *packs]


def _packs(workspace: Workspace, run: Run) -> list[str]:
    """The objects that metrics and logs of a run lie in, all of them: an object is known before rows refer to it."""
    until(lambda: _is_sealed(workspace, run), "the books of the run are closed")
    with closing(sqlite3.connect(f"{workspace.files.database.as_uri()}?mode=ro", uri=True)) as connection:
        packs = connection.execute("SELECT digest FROM tracking_packs WHERE run_id = ?", (run.id,)).fetchall()
    return [digest for (digest,) in packs]


def _is_sealed(workspace: Workspace, run: Run) -> bool:
    with closing(sqlite3.connect(f"{workspace.files.database.as_uri()}?mode=ro", uri=True)) as connection:
        states = connection.execute(
            "SELECT sealed FROM tracking_streams WHERE run_id = ?", (run.id,)
        ).fetchall()
    return bool(states) and all(sealed for (sealed,) in states)


@pytest.mark.long
def test_it_comes_back_from_a_backup_and_the_run_says_what_is_lost(
    workspace: Workspace, tmp_path: Path
) -> None:
    run, place = trained(workspace, tmp_path, "back", WEIGHTS[::-1])
    folder = tmp_path / "backups"
    backup(workspace, folder)
    _, lost = trained(workspace, tmp_path, "lost", WEIGHTS[1:])
    harm(place)
    lost.unlink()
    with pytest.raises(
        ObjectDamaged, match=rf"The backup of .* in {folder} has it: `faena repair` brings it back"
    ):
        Model(workspace, "back").download(str(tmp_path / "first"))
    with pytest.raises(
        ObjectDamaged, match=r"is gone from the workspace\. It is outputs/model.npz of run lost_.*No backup"
    ):
        Model(workspace, "lost").download(str(tmp_path / "first"))

    preview = faena(workspace, "repair", "--dry-run", "--deep", "--json")
    assert preview.returncode == 1
    told = {each["digest"]: each for each in json.loads(preview.stdout)["damaged"]}
    assert told[place.name]["found_in"] == str(object_path(folder, place.name))
    assert (told[lost.name]["state"], told[lost.name]["found_in"]) == ("missing", "")
    assert not lost.exists()
    done = faena(workspace, "repair")
    assert done.returncode == 1
    assert f"was brought back from {object_path(folder, place.name)}" in done.stdout
    assert "lost: no other copy was found" in done.stdout
    Model(workspace, "back").download(str(tmp_path / "second"))
    assert (tmp_path / "second" / "model.npz").read_bytes() == WEIGHTS[::-1]
    [other] = list(workspace.find_runs("experiment = 'lost'"))
    [note] = [note.message for note in workspace.api.run(other.id).notes if note.code == "damaged"]
    assert "outputs/model.npz of run lost_" in note
    assert not [note for note in workspace.api.run(run.id).notes if note.code == "damaged"]

    elsewhere = tmp_path / "a copy somewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep" / "x.bin").write_bytes(WEIGHTS[1:])
    found = repair(workspace, folders=[str(elsewhere)])
    assert {each.digest: each.found_in for each in found.damaged}[lost.name] == str(
        elsewhere / "deep" / "x.bin"
    )
    assert not [note for note in workspace.api.run(other.id).notes if note.code == "damaged"]
    Model(workspace, "lost").download(str(tmp_path / "third"))
    with pytest.raises(UserErrorException, match="There is no folder"):
        repair(workspace, folders=[str(tmp_path / "nowhere")])


def test_source_comes_back_from_where_it_was_captured(workspace: Workspace, tmp_path: Path) -> None:
    run, _ = trained(workspace, tmp_path, "sourced", b"weights")
    [digest] = _source(workspace, run)
    place = object_path(workspace.files.path, digest)
    place.unlink()
    found = {each.digest: each for each in repair(workspace).damaged}
    assert found[digest].found_in == str(tmp_path / "source-sourced" / "train.py")
    assert f"train.py in the source of run {run.id}" in found[digest].uses
    assert place.read_text() == "# sourced"


def test_every_reference_to_objects_has_a_name(place: Place) -> None:
    """A feature that keeps objects is named by errors about them, too."""
    run_id = place.house.run({"outputs/a": b"a"})
    place.house.register(run_id, "outputs/a")
    digest = of(place, b"a").name
    names = [use.name for use in place.house.read(lambda read: uses(read, digest))]
    assert names[0] == f"outputs/a of run {run_id}"
    assert len(names) == 2
    assert {str(column) for column in references()} == {
        "run_files.digest",
        "checkpoint_files.digest",
        "logged_model_files.digest",
        "trace_files.digest",
        "model_files.digest",
        "snapshot_objects.object",
        "tracking_packs.digest",
    }, "name it in faena.backups.damage.uses"
