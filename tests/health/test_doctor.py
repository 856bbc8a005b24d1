"""What the doctor says of a machine and a workspace on good days and on bad ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena import Workspace
from faena.health.examination import GROUPS, examine
from faena.health.finding import Finding, State
from faena.health.subject import Subject
from faena.kernel.presence import Rendezvous, is_held
from faena.testing.waiting import until


def doctor(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and what `faena doctor --json` says in a folder."""
    command = [sys.executable, "-m", "faena.cli", "doctor", "--json", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def findings(subject: Subject, *groups: str) -> dict[str, Finding]:
    """By name, of some groups of checks."""
    found: dict[str, Finding] = {}
    for group in groups:
        for check in GROUPS[group]:
            found |= {finding.name: finding for finding in check(subject)}
    return found


def states(subject: Subject, *groups: str) -> dict[str, State]:
    """What is not well."""
    found = findings(subject, *groups).values()
    return {finding.name: finding.state for finding in found if finding.state is not State.OK}


@pytest.fixture
def private(tmp_path: Path, surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder that no other test writes to."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("FAENA_HOME", str(home))
    return home


@pytest.fixture
def made(private: Path, tmp_path: Path) -> Iterator[Subject]:
    """A workspace whose server has left."""
    workspace = Workspace.create("test", tmp_path / "project")
    workspace.api.experiments()
    workspace.api.stop()
    rendezvous = Rendezvous(workspace.files.path)
    until(lambda: not is_held(rendezvous.election), "the server has left")
    yield Subject(workspace.files.path)
    assert not is_held(rendezvous.election), "the doctor starts no server"


def test_a_machine_that_is_well(made: Subject) -> None:
    assert made.folder is not None
    before = sorted(made.folder.rglob("*"))
    found = {finding.name: finding for _, finding in examine(made)}
    assert {name for name, each in found.items() if each.state is State.PROBLEM} == set()
    assert sorted(made.folder.rglob("*")) == before
