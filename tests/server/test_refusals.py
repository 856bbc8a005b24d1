"""A server that cannot start says why at once, to whoever asked: no command waits for it, none hears a riddle."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from faena import Workspace
from faena.db import Database
from faena.kernel.discovery import Rendezvous, is_held
from faena.kernel.errors import DatabaseDamaged, FaenaError, ServiceException, StorageFull, WorkspaceException
from faena.kernel.startup_errors import cannot_start
from faena.kernel.transport import Transport
from faena.server.election import _LONGEST_SOCKET
from faena.testing.waiting import until
from tests.server.house import running

AT_ONCE = 45.0
"""Seconds, on a machine that does other things too: without a refusal the client's patience ends after a minute."""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One that has lived and has no server now."""
    made = Workspace.create("test", tmp_path / "project")
    Database(made.files.database).close()
    return made


def damaged_page(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def overwritten(workspace: Workspace) -> None:
    with workspace.files.database.open("r+b") as file:
        file.write(b"This was a database once.")


def cut(workspace: Workspace) -> None:
    with workspace.files.database.open("r+b") as file:
        file.truncate(20_000)


def page_overwritten(workspace: Workspace) -> None:
    damaged_page(workspace.files.database, "experiments")


def made_a_folder(workspace: Workspace) -> None:
    workspace.files.database.unlink()
    workspace.files.database.mkdir()


def objects_a_file(workspace: Workspace) -> None:
    workspace.files.objects.write_text("no folder")


def log_a_folder(workspace: Workspace) -> None:
    (workspace.files.path / "server.log").mkdir()


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("harm", "error", "said"),
    [
        (overwritten, DatabaseDamaged, "faena.db is damaged"),
        (cut, DatabaseDamaged, "faena.db is damaged"),
        (page_overwritten, DatabaseDamaged, "faena.db is damaged"),
        (made_a_folder, WorkspaceException, "unable to open database file"),
        (objects_a_file, WorkspaceException, r"Not a directory \(.*objects"),
        (log_a_folder, WorkspaceException, r"Is a directory \(.*server\.log\)"),
    ],
)
def test_what_keeps_a_server_from_starting_is_told_at_once(
    workspace: Workspace, harm: Callable[[Workspace], None], error: type[FaenaError], said: str
) -> None:
    harm(workspace)
    began = time.monotonic()
    with pytest.raises(error, match=said):
        workspace.api.runs(limit=1)
    assert time.monotonic() - began < AT_ONCE
    assert not Rendezvous(workspace.files.path).socket.exists()


def test_a_runtime_folder_with_too_long_a_path_is_told_at_once(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAENA_RUNTIME", str(tmp_path / ("x" * _LONGEST_SOCKET)))
    with pytest.raises(WorkspaceException, match="Set FAENA_RUNTIME to a shorter one"):
        workspace.api.runs(limit=1)


def test_a_second_runtime_folder_is_told_at_once(
    own_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_workspace.api.version()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("FAENA_RUNTIME", str(tmp_path / "r"))
        began = time.monotonic()
        with pytest.raises(WorkspaceException, match=r"is served by process \d+, whose runtime folder is"):
            Workspace(own_workspace.folder).api.version()
        assert time.monotonic() - began < AT_ONCE


def test_a_process_that_cannot_even_begin_is_not_tried_for_ever(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'ImportError: no such library' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("FAENA_PYTHON", str(broken))
    began = time.monotonic()
    with pytest.raises(
        ServiceException, match=r"cannot start: ImportError: no such library Its log is .*server\.log"
    ):
        workspace.api.version()
    assert time.monotonic() - began < AT_ONCE


def test_whoever_perseveres_goes_on_until_the_workspace_is_mended(workspace: Workspace) -> None:
    kept = workspace.files.database.read_bytes()
    overwritten(workspace)
    hasty = Transport(workspace.files.path, patience=0.5, persevering=True)
    with pytest.raises(FaenaError):
        hasty.json("GET", "/version")
    hasty.close()
    workspace.files.database.write_bytes(kept)
    patient = Transport(workspace.files.path, patience=60, persevering=True)
    assert patient.json("GET", "/version")["wire"] == 1
    patient.request("POST", "/stop")
    patient.close()
    until(lambda: not is_held(Rendezvous(workspace.files.path).election), "the server has left")


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    found = cannot_start(OSError(28, "No space left on device", "/x/server.log"), tmp_path)
    assert isinstance(found, StorageFull)
    assert "the disk is full (/x/server.log)" in found.message


def test_damage_that_is_met_later_ends_every_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a database too large to be checked at each start."""
    monkeypatch.setattr("faena.db.checking.SMALL", 0)
    with running(tmp_path):
        pass
    damaged_page(tmp_path / ".faena" / "faena.db", "deletions")
    with running(tmp_path) as server:
        client = server.client()
        assert client.get("/experiments").json == []
        met = client.get("/deletions")
        assert (met.status, met.json["code"]) == (500, "DatabaseDamaged")
        later = client.get("/experiments")
        assert (later.status, later.json["code"]) == (500, "DatabaseDamaged")
        assert "faena.db is damaged (database disk image is malformed)" in later.json["message"]
        assert server.house.database.damage is not None
