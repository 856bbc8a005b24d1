"""A workspace whose database is lost: every command says so and what to do, none takes it for a new one."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest

from faena import Experiment, Workspace
from faena.backups.history import known
from faena.backups.model import RECORD
from faena.backups.restoring import restore
from faena.backups.set_aside import put_aside
from faena.kernel.discovery import Rendezvous, is_held, try_lock
from faena.kernel.errors import WorkspaceException
from faena.testing.waiting import until
from faena.workspaces.model import create_folder, open_folder
from tests.backups.test_journey import backup
from tests.cli.test_commands import faena
from tests.conftest import shut_down


def lose(workspace: Workspace) -> None:
    """As `rm .faena/faena.db*` does, beside a living server."""
    for path in workspace.files.path.glob("faena.db*"):
        path.unlink()
    until(lambda: not is_held(Rendezvous(workspace.files.path).election), "the server has noticed and left")


def test_it_is_told_and_brought_back(tmp_path: Path) -> None:
    workspace = Workspace.create("lost", tmp_path / "my project")
    workspace.write_config(workspace.folder)
    run = Experiment(workspace, "e").start_logging(snapshot_directory=None, outputs=None)
    run.log("x", 1)
    run.complete()
    folder = tmp_path / "backups"
    backup(workspace, folder)
    workspace.files.nodes.mkdir(mode=0o700)
    (workspace.files.nodes / "certificate.pem").write_text("of this workspace")
    lose(workspace)

    before = (folder / RECORD).read_bytes()
    for command in (["runs"], ["backup", str(folder)], ["show", run.id], ["submit", "nothing.py"]):
        done = faena(workspace, *command)
        assert done.returncode == 1, done.stdout
        assert "faena.db is missing, and the workspace has lived" in done.stderr
        assert f"`faena restore --replace {folder} '{workspace.folder}'`" in done.stderr
    assert (folder / RECORD).read_bytes() == before
    assert not workspace.files.database.exists()
    doctor = faena(workspace, "doctor", "--json")
    assert doctor.returncode == 1
    [finding] = [each for each in json.loads(doctor.stdout)["checks"] if each["name"] == "database"]
    assert finding["state"] == "problem"
    assert "faena restore --replace" in finding["remedy"]

    done = faena(workspace, "restore", "--replace", str(folder), str(workspace.folder))
    assert done.returncode == 0, done.stderr
    [aside] = workspace.files.path.glob("before-restore-*")
    assert str(aside) in done.stdout
    assert (aside / "workspace.json").exists()
    again = Workspace(workspace.folder)
    assert again.get_run(run.id).get_metrics() == {"x": 1}
    assert (again.files.nodes / "certificate.pem").exists(), "machines that have joined find it in its place"
    assert [each.folder for each in known(again.files.path)] == [str(folder)], (
        "where it came from is remembered"
    )
    refused = faena(workspace, "restore", "--replace", str(folder), str(workspace.folder))
    assert "A server works on" in refused.stderr
    shut_down(again)
    assert "--list" not in faena(workspace, "restore", "--list", str(folder)).stdout
    assert "lost: 1 run, " in faena(workspace, "restore", "--list", str(folder)).stdout


def test_a_restore_that_fails_puts_everything_back(tmp_path: Path) -> None:
    workspace = Workspace.create("kept", tmp_path / "project")
    workspace.api.version()
    folder = tmp_path / "backups"
    backup(workspace, folder)
    shut_down(workspace)
    there = sorted(each.name for each in workspace.files.path.iterdir())
    next(folder.glob("faena-*.db")).write_bytes(b"damaged")
    with pytest.raises(WorkspaceException, match="is damaged or gone"):
        restore(folder, workspace.folder, lambda number, of: None, replace=True)
    assert sorted(each.name for each in workspace.files.path.iterdir()) == there
    assert [each.name for each in workspace.folder.iterdir()] == [".faena"]
    other = Workspace.create("other", tmp_path / "other")
    with pytest.raises(WorkspaceException, match="is another workspace"):
        restore(folder, other.folder, lambda number, of: None, replace=True)


def test_who_only_looks_whether_a_server_is_there_is_none(tmp_path: Path) -> None:
    made = create_folder(tmp_path, "kept")
    lock = try_lock(Rendezvous(made.path).election)
    assert lock is not None
    looking = threading.Timer(0.1, os.close, [lock])
    looking.start()
    with put_aside(made.path, made.id) as aside:
        assert aside is not None
        create_folder(tmp_path, "kept")
    looking.join()
    assert aside.is_dir()


def test_a_lost_record_is_not_made_anew(tmp_path: Path) -> None:
    made = create_folder(tmp_path, "first")
    (made.objects / "ab").mkdir(parents=True)
    (made.objects / "ab" / ("ab" * 32)).write_bytes(b"bytes")
    (made.path / "workspace.json").unlink()
    with pytest.raises(
        WorkspaceException, match=r"workspace\.json is missing, and a workspace has lived there"
    ):
        create_folder(tmp_path, "second")
    with pytest.raises(
        WorkspaceException, match=r"workspace\.json is missing, and a workspace has lived there"
    ):
        open_folder(made.path)
    before = made.path.with_name(f"{made.path.name}-before-restore-20261129T000000Z")
    before.mkdir()
    with pytest.raises(WorkspaceException, match=f"lies in {before}: restore again with --replace"):
        open_folder(made.path)


@pytest.mark.long
def test_a_copy_is_not_advised_to_become_its_original(tmp_path: Path) -> None:
    workspace = Workspace.create("original", tmp_path / "original")
    Experiment(workspace, "e").start_logging(snapshot_directory=None, outputs=None).complete()
    folder = tmp_path / "backups"
    backup(workspace, folder)
    shut_down(workspace)
    shutil.copytree(workspace.folder, tmp_path / "copy")
    for path in (tmp_path / "copy" / ".faena").glob("faena.db*"):
        path.unlink()
    with pytest.raises(WorkspaceException, match=r"faena\.db is missing") as told:
        Workspace(tmp_path / "copy").api.experiments()
    assert "--replace" not in told.value.message
    assert f"`faena restore {folder} FOLDER`" in told.value.message
