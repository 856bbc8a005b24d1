"""Another user, or root, in somebody's workspace: one sentence says whose it is, and nothing is written there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faena import Workspace
from faena.cli.common import find_workspace
from faena.health.examination import examine
from faena.health.finding import State
from faena.health.fix import fix
from faena.health.subject import Subject
from faena.kernel import ownership, settings
from faena.kernel.errors import WorkspaceException
from faena.workspaces.model import create_folder, open_folder
from faena_azureml.workspace import Workspace as AzureWorkspace
from tests.examples import long_form

SOMEBODY = 54321
"""A user that the system has no name for."""
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@contextmanager
def acting_as(uid: int) -> Iterator[None]:
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def theirs(tmp_path: Path) -> Workspace:
    """A workspace of somebody's, in a folder of theirs."""
    made = Workspace.create("theirs", tmp_path / "project")
    made.write_config(tmp_path / "project")
    for path in (tmp_path / "project", *(tmp_path / "project").rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY)
    return made


def _state(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_uid, path.stat().st_mtime_ns) for path in folder.rglob("*")}


COMMANDS = [
    ["runs"],
    ["init"],
    ["submit", "train.py"],
    ["backup", "copy"],
    long_form(["doctor", "--fix"], id="doctor"),
    ["server", "stop"],
    ["rename", "ours"],
]


@pytest.mark.few(2)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_root_at_the_command_line_is_told_whose_it_is(theirs: Workspace, command: list[str]) -> None:
    before = _state(theirs.folder)
    done = subprocess.run(
        [sys.executable, "-m", "faena.cli", *command],
        cwd=theirs.folder,
        env={**os.environ, "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1 and f"belongs to user {SOMEBODY}" in told and "chown" not in told
    assert "Traceback" not in told
    assert _state(theirs.folder) == before


@pytest.mark.parametrize(
    ("owner", "mode"), [(0, 0o1777), (0, 0o777), (SOMEBODY + 1, 0o777), (SOMEBODY + 1, 0o755)]
)
def test_a_state_folder_that_others_fill_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: int, mode: int
) -> None:
    """The programs of runs lie there."""
    with tempfile.TemporaryDirectory(dir="/tmp") as above:  # everybody may go there, unlike a test's own
        Path(above).chmod(0o755)
        home = Path(above) / "home"
        home.mkdir()
        home.chmod(mode)
        os.chown(home, owner, owner)
        monkeypatch.setenv("FAENA_HOME", str(home))
        with acting_as(SOMEBODY), pytest.raises(WorkspaceException, match=r"[Ss]et FAENA_HOME"):
            settings.home()
        if mode & 0o002:
            monkeypatch.setenv("FAENA_HOME", str(home / "mine"))
            with acting_as(SOMEBODY):
                assert settings.home().stat().st_uid == SOMEBODY


def test_no_door_of_python_opens_it(theirs: Workspace) -> None:
    before = _state(theirs.folder)
    doors: list[Callable[[], object]] = [
        lambda: Workspace(theirs.folder),
        lambda: Workspace.from_config(theirs.folder),
        lambda: Workspace.create("theirs", theirs.folder, exist_ok=True),
        lambda: AzureWorkspace.from_config(str(theirs.folder)),
    ]
    for opening in doors:
        with pytest.raises(WorkspaceException, match=f"belongs to user {SOMEBODY}, and you are root"):
            opening()
    assert _state(theirs.folder) == before


@pytest.mark.long
def test_a_server_of_roots_is_not_started_there(theirs: Workspace) -> None:
    before = _state(theirs.folder)
    done = subprocess.run(
        [sys.executable, "-m", "faena.server", str(theirs.files.path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0 and f"belongs to user {SOMEBODY}" in done.stderr
    assert _state(theirs.folder) == before


@pytest.fixture
def street() -> Iterator[Path]:
    """A folder that everybody may enter."""
    made = Path(tempfile.mkdtemp(prefix="faena-test-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def test_the_owner_works_there(street: Path) -> None:
    made = create_folder(street / "project", "theirs")
    for path in (street / "project", *(street / "project").rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY)
    with acting_as(SOMEBODY):
        assert ownership.foreign(made.path) is None
        assert open_folder(made.path).name == "theirs"
    with pytest.raises(WorkspaceException, match="and you are root"):
        open_folder(made.path)


def test_another_user_is_told_whose_it_is(street: Path, tmp_path: Path) -> None:
    ours = create_folder(street / "project", "ours").path
    with (
        acting_as(SOMEBODY),
        pytest.raises(WorkspaceException, match=f"belongs to root, and you are user {SOMEBODY}"),
    ):
        Workspace(ours.parent)
    closed = create_folder(tmp_path / "project", "closed").path
    folder = closed.parent
    with acting_as(SOMEBODY), pytest.raises(WorkspaceException, match=r"cannot be reached|belongs to root"):
        Workspace(folder)
    with acting_as(SOMEBODY), pytest.raises(WorkspaceException, match="belongs to root"):
        Workspace.from_config(folder)
    with acting_as(SOMEBODY), pytest.raises(WorkspaceException, match="belongs to root"):
        find_workspace(Workspace, str(folder))


class TestTheDoctor:
    def test_advises_nothing_that_takes_it_from_its_owner(self, theirs: Workspace) -> None:
        subject = Subject(theirs.files.path)
        before = _state(theirs.folder)
        list(fix(subject))
        found = [finding for _, finding in examine(subject)]
        problems = [each for each in found if each.state is State.PROBLEM and "workspace" in each.name]
        assert len(problems) == 1
        assert str(SOMEBODY) in problems[0].found and f"user id {SOMEBODY}" in problems[0].remedy
        assert not any("chown" in (each.remedy or "") for each in found)
        assert _state(theirs.folder) == before


class TestTheStateFolder:
    def test_of_a_user_takes_nothing_of_roots(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        home = tmp_path / "home"
        home.mkdir()
        os.chown(home, SOMEBODY, SOMEBODY)
        monkeypatch.setenv("FAENA_HOME", str(home))
        with pytest.raises(WorkspaceException, match=f"belongs to user {SOMEBODY}.*FAENA_HOME"):
            settings.home()
        assert list(home.iterdir()) == []


def test_where_everything_is_shown_as_one_users_it_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on file systems of virtual machines and of sshfs: what we make there has the same owner as what is there."""
    made = Workspace.create("mapped", tmp_path)
    os.chown(made.files.path, SOMEBODY, SOMEBODY)
    monkeypatch.setattr(ownership, "_owner_of_new", lambda folder: SOMEBODY)
    assert Workspace(tmp_path).id == made.id
    assert json.loads((made.files.path / "workspace.json").read_text())["id"] == made.id
