"""`faena doctor` as its users have it: on a good day, without a workspace, with remains of a bad day."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import faena.server.app  # noqa: F401  adds the tables of all features
from faena.health.objects import REFERENCES
from faena.health.subject import Subject, find_folder
from faena.kernel.discovery import Rendezvous
from faena.objects.references import references


def doctor(folder: Path, *options: str) -> tuple[int, str]:
    """Exit code and what `faena doctor` prints in a folder."""
    command = [sys.executable, "-m", "faena.cli", "doctor", *options]
    environment = {**os.environ, "UV_OFFLINE": "1"}  # no test asks the network
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def as_json(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    code, text = doctor(folder, "--json", *options)
    said = json.loads(text)
    return code, {**said, **{each["name"]: each for each in said["checks"]}}


def test_a_bad_night_and_the_morning_after(subject: Subject, home: Path) -> None:
    assert subject.folder is not None
    assert subject.election is not None
    project = subject.folder.parent
    before = sorted(subject.folder.rglob("*"))
    code, text = doctor(project)
    assert code == 0, text
    assert "no problems" in text
    assert any(str(project) in line for line in text.splitlines()), (
        "a path is whole where there is no terminal"
    )
    assert sorted(subject.folder.rglob("*")) == before, "looking changes nothing"

    stale = [subject.election.with_suffix(".sock"), Rendezvous(subject.folder).nodes / "1.sock"]
    for path in stale:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
        path.chmod(0o600)
    lock = stale[1].with_name("node-1.lock")
    lock.touch(0o600)
    forgotten = [home / f".workspaces.json.{'0' * 16}", subject.folder / "objects" / "incoming" / ("1" * 32)]
    fresh = home / f".workspaces.json.{'1' * 16}"
    for path in (*forgotten, fresh):
        path.write_bytes(b"half")
    for path in (*forgotten, *stale):
        os.utime(path, (1e9, 1e9))
    (subject.folder / "server.log").write_text(
        "2026-11-26 10:00:00,000 INFO root: up\nTraceback (most recent call last):\n"
        '  File "x.py", line 1, in <module>\nValueError: spoiled\n'
    )
    code, said = as_json(project)
    assert (code, said["problems"]) == (0, 0)
    for name in ("sockets", "lock files", "temporary files"):
        assert (said[name]["state"], said[name]["remedy"]) == ("warning", "faena doctor --fix"), name
    assert "process id 1 is another program's now" in said["sockets"]["found"]
    assert "ValueError: spoiled" in said["server log"]["found"]

    code, said = as_json(project, "--fix")
    assert code == 0
    assert len(said["fixed"]) == 5
    assert not any(path.exists() for path in (*stale, lock, *forgotten))
    assert fresh.exists(), "it may be somebody's still"
    assert subject.election.exists(), "servers are elected by this very file"
    assert {said[name]["state"] for name in ("sockets", "lock files", "temporary files")} == {"ok"}


@pytest.mark.long
def test_without_a_workspace_and_with_one_that_cannot_be_read(home: Path, tmp_path: Path) -> None:
    assert find_folder(tmp_path) is None
    project = tmp_path / "project"
    (project / ".faena").mkdir(parents=True, mode=0o700)
    (project / ".faena" / "workspace.json").write_text('{"format": 1, "na')
    below = project / "deeper"
    below.mkdir()
    assert find_folder(below) == project / ".faena"
    code, said = as_json(below)
    assert code == 1
    assert (said["workspace"]["state"], "damaged" in said["workspace"]["found"]) == ("problem", True)
    assert "backup" in said["workspace"]["remedy"]
    (project / ".faena" / "workspace.json").unlink()
    assert "faena init" in as_json(below)[1]["workspace"]["remedy"]
    (project / ".faena" / "objects").mkdir()
    assert "backup" in as_json(below)[1]["workspace"]["remedy"], "what has lived is not to be made anew"


def test_every_column_that_names_an_object_is_looked_at() -> None:
    marked = {(column.table.name, column.name) for column in references()}
    assert marked | {("objects", "digest")} == set(REFERENCES.items())
