"""A workspace that has no server, with a state folder that no other test writes to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import faena.server.app  # noqa: F401  adds the tables of all features
from faena import Workspace
from faena.db import Database
from faena.health.subject import Subject
from faena.kernel.discovery import Rendezvous, is_held
from faena.objects.files import FolderObjects


@pytest.fixture
def home(
    tmp_path: Path, surroundings: Path, interpreters_asked: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """This test's own state folder, in which this machine's interpreters are known."""
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    shutil.copy(interpreters_asked, made)
    monkeypatch.setenv("FAENA_HOME", str(made))
    return made


@pytest.fixture
def subject(home: Path, tmp_path: Path) -> Iterator[Subject]:
    workspace = Workspace.create("test", tmp_path / "project")
    workspace.write_config(workspace.folder)
    files = workspace.files
    Database(files.database).close()
    FolderObjects(files.objects)
    yield Subject(files.path)
    assert not is_held(Rendezvous(files.path).election), "the doctor starts no server"
