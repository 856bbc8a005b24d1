"""A workspace is copied while it works, and made again elsewhere."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faena import Model, Workspace
from faena.backups.model import RECORD, object_path, read_record
from faena.backups.restoring import restore
from faena.backups.schemas import BackupRequest, BackupView
from faena.kernel import ids
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import NotFound, UserErrorException, WorkspaceException
from faena.kernel.settings import SCHEMA_VERSION, WIRE_VERSION
from faena.testing.kills.processes import server_of
from faena.testing.waiting import until
from tests.cli.terminal import without_waiting
from tests.cli.test_commands import faena
from tests.conftest import shut_down
from tests.journeys.scripts import Project

TRAIN = """
    from faena import Run
    run = Run.get_context()
    for step in range(200):
        run.log("loss", 1 / (step + 1))
    open("outputs/model.bin", "w").write("weights")
    print("trained")
"""
WAITS = """
    import pathlib, time
    from faena import Run
    Run.get_context().log("x", 7)
    Run.get_context().flush()
    pathlib.Path("outputs/started").write_text("")
    while not pathlib.Path({stop!r}).exists():
        time.sleep(0.05)
"""


def backup(workspace: Workspace, folder: Path, *, verify: bool = False) -> BackupView:
    number = ids.new_id("backup")
    view = workspace.api.backups.start(number, BackupRequest(str(folder), verify=verify))
    while view.state == "copying":
        view = workspace.api.backups.look(number, 10)
    assert not view.error, view.error
    return view


def restored(folder: Path, parent: Path, **options: object) -> Workspace:
    parent.mkdir(exist_ok=True)
    made = restore(folder, parent, lambda number, of: None, name=ids.new_id("restored"), **options)  # type: ignore[arg-type]  # as given
    return Workspace(made.workspace.path)


@pytest.mark.long
def test_while_it_works_and_again(project: Project, tmp_path: Path) -> None:
    workspace, folder, stop = project.workspace, tmp_path / "backup", tmp_path / "stop"
    done = project.run(TRAIN)
    model = done.register_model("net", model_path="outputs/model.bin")
    model.set_alias("champion")
    workspace.get_default_datastore().upload_files([__file__], target_path="data")
    living = project.submit(WAITS.format(stop=str(stop)))
    until(lambda: living.get_metrics() == {"x": 7}, "the other one has logged")

    first = backup(workspace, folder)
    assert first.copied == first.of_objects > 0
    later = project.run(TRAIN.replace("weights", "others"))
    second = backup(workspace, folder, verify=True)
    assert 0 < second.copied < second.of_objects

    elsewhere = restored(folder, tmp_path / "elsewhere")
    try:
        assert elsewhere.get_run(done.id).get_metrics() == done.get_metrics()
        assert elsewhere.get_run(later.id).get_file_names() == later.get_file_names()
        assert Path(Model(elsewhere, "net").download(tmp_path / "model")).read_text() == "weights"
        assert Model(elsewhere, "net@champion").run_id == model.run_id == done.id
        assert [run.id for run in elsewhere.find_runs("metrics.loss < 0.01", sort="number")] == [
            done.id,
            later.id,
        ]
        elsewhere.get_default_datastore().download(tmp_path / "data", prefix="data")
        assert (tmp_path / "data" / "data" / Path(__file__).name).read_text() == Path(__file__).read_text()
        gone = elsewhere.get_run(living.id)
        assert (gone.get_status(), gone.get_metrics()) == ("Failed", {"x": 7})
        assert "restored" in gone.get_details()["error"]["error"]["message"]
        assert all(not cluster.status.current_node_count for cluster in elsewhere.api.clusters())
        again = Project(elsewhere, tmp_path / "again").run(TRAIN)
        assert again.get_status() == "Completed"
    finally:
        shut_down(elsewhere)
    assert living.get_status() == "Running", "the original one is unharmed"
    stop.touch()
    living.wait_for_completion()


@pytest.mark.long
def test_what_is_damaged_is_named(project: Project, tmp_path: Path) -> None:
    workspace, folder = project.workspace, tmp_path / "backup"
    run = project.run(TRAIN)
    run.register_model("net", model_path="outputs/model.bin")
    [file] = workspace.api.models.get("net", None).files
    backup(workspace, folder)

    kept = object_path(folder, file.digest)
    kept.chmod(0o644)
    kept.write_text("weightz")
    with pytest.raises(WorkspaceException, match=rf"1 of \d+ objects .* damaged or gone: {file.digest[:12]}"):
        restored(folder, tmp_path / "damaged")
    assert not (tmp_path / "damaged" / ".faena").exists()
    assert backup(workspace, folder).copied == 0, "its size is right: a quick backup does not look inside"
    assert backup(workspace, folder, verify=True).copied == 1
    assert kept.read_text() == "weights"

    own = object_path(workspace.files.path, file.digest)
    own.unlink()
    kept.unlink()
    view = backup(workspace, folder)
    assert view.missing == (file.digest,)
    other = restored(folder, tmp_path / "without")
    assert other.files.path.exists()
    (folder / read_record((folder / RECORD).read_bytes(), folder).database).write_bytes(b"SQLite format 3")
    with pytest.raises(WorkspaceException, match="The database of the backup"):
        restored(folder, tmp_path / "no-database")


@pytest.mark.long
def test_a_kill_in_the_middle_leaves_the_last_whole_one(project: Project, tmp_path: Path) -> None:
    workspace, folder = project.workspace, tmp_path / "backup"
    done = project.run(TRAIN)
    backup(workspace, folder)
    before = (folder / RECORD).read_bytes()
    later = project.run(TRAIN.replace("weights", "others"))
    later.register_model("net", model_path="outputs/model.bin")
    [file] = workspace.api.models.get("net", None).files
    project.run(
        "import os; os.truncate(open('outputs/large', 'w').name, 400 << 20)"
    )  # to be copied for a while
    number = ids.new_id("backup")
    workspace.api.backups.start(number, BackupRequest(str(folder)))
    until(lambda: len(list(folder.glob("faena-*.db"))) == 2, "it has the database")
    until(lambda: workspace.api.backups.look(number, 0).of_objects > 0, "it copies objects")
    server = server_of(workspace.files.path)
    assert server
    os.kill(server, signal.SIGKILL)
    assert (folder / RECORD).read_bytes() == before
    elsewhere = restored(folder, tmp_path / "elsewhere")
    try:
        assert [run.id for run in elsewhere.find_runs()] == [done.id]
    finally:
        shut_down(elsewhere)
    with pytest.raises(NotFound, match="the server was restarted"):
        workspace.api.backups.look(number, 0)
    assert backup(workspace, folder).copied > 0
    assert (folder / RECORD).read_bytes() != before
    assert len(list(folder.glob("faena-*.db"))) == 2, "the whole ones"
    place = restored(folder, tmp_path / "later").files.path
    assert object_path(place, file.digest).read_text() == "others"


def test_what_cannot_be_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("a")
    (tmp_path / "file").write_text("a")
    for folder, said in (
        (workspace.files.path / "backup", "lies in the workspace itself"),
        (tmp_path / "full", "is not empty and holds no backup"),
        (tmp_path / "file", "cannot hold a backup"),
        (Path("relative"), "is not an absolute path"),
        (Path("/proc/self/backup"), "cannot hold a backup"),
    ):
        with pytest.raises((UserErrorException, AssertionError), match=said):
            backup(workspace, folder)
    folder = tmp_path / "backup"
    backup(workspace, folder)
    (folder / ".faena-backup").write_text("ws-another\n")
    with pytest.raises(UserErrorException, match=r"backups of another workspace \(ws-another\)"):
        backup(workspace, folder)
    with pytest.raises(WorkspaceException, match="holds no whole backup"):
        restored(tmp_path / "full", tmp_path / "x")
    with pytest.raises(WorkspaceException, match="has a workspace already"):
        restored(folder, workspace.folder)
    with pytest.raises(WorkspaceException, match=r"'test' is in .* already.*--name"):
        restore(folder, tmp_path / "y", lambda number, of: None)
    record = json.loads((folder / RECORD).read_bytes())
    for change, said in (
        ({"format": 3}, r"format 3; this Faena reads up to 2"),
        ({"schema": 99}, r"schema version 99; this Faena reads \d+"),
    ):
        (folder / RECORD).write_text(json.dumps(record | change))
        with pytest.raises(WorkspaceException, match=said):
            restored(folder, tmp_path / "z")


@pytest.mark.long
def test_what_is_newer_is_refused_at_once(workspace: Workspace) -> None:
    workspace.write_config(workspace.folder)
    workspace.api.version()
    newer = "from faena.kernel import settings; settings.WIRE_VERSION = 2; from faena.cli.main import main; main()"
    asked = [sys.executable, "-c", newer, "runs"]
    client = subprocess.run(asked, cwd=workspace.folder, capture_output=True, check=False)
    told = without_waiting(client.stderr).decode()
    assert (client.returncode, told.count("\n")) == (1, 1), told
    assert "The client speaks wire version 2, this server (faena " in told
    assert f") speaks {WIRE_VERSION}. Use the same version of faena for both." in told
    workspace.api.stop()
    election = Rendezvous(workspace.files.path)
    until(lambda: not election.socket.exists(), "the server has left")
    connection = sqlite3.connect(workspace.files.database)
    connection.execute("UPDATE schema_version SET version = 99")
    connection.commit()
    began = time.monotonic()
    done = faena(workspace, "runs")
    assert time.monotonic() - began < 50, "it is told, not waited for"
    assert done.returncode == 1
    assert done.stderr.startswith(
        "WorkspaceException: The workspace's database has schema version 99; this Faena reads "
    )
    assert done.stderr.count("\n") == 1
    done = faena(workspace, "restore", str(workspace.folder / "none"), str(workspace.folder / "new"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    connection.execute("UPDATE schema_version SET version = ?", (SCHEMA_VERSION,))
    connection.commit()
    connection.close()


def test_the_client_of_a_restore_imports_no_server() -> None:
    script = "import sys, faena.backups.restoring; print({'sqlalchemy', 'litestar'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
