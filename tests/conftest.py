"""Every test has its own workspace folder, runtime folder and clean environment, and leaves no process behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faena import Workspace
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import prepare
from faena.testing.shutting import shut_down as shut_down
from tests.journeys.scripts import Project

_HIDING = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all tests, workers included: environments and sample data are made once."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if base.name.startswith("popen-") else base) / "faena-home"
    home.mkdir(exist_ok=True, mode=0o700)
    return home


@pytest.fixture(autouse=True)
def surroundings(shared_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test's sockets are: a short path, since a socket's is limited to 107 bytes."""
    runtime = Path(tempfile.mkdtemp(prefix="faena-test-", dir="/tmp"))
    monkeypatch.setenv("FAENA_HOME", str(shared_home))
    monkeypatch.setenv("FAENA_RUNTIME", str(runtime))
    for name in _HIDING:
        monkeypatch.delenv(name, raising=False)
    yield runtime
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def chainer_python(surroundings: Path) -> Callable[[str], Path]:
    """Gives the interpreter of the environment that runs with this version of Chainer get. Needs the registry."""

    def make(version: str) -> Path:
        return Path(prepare(EnvironmentSpec(framework="chainer", framework_version=version), print).python)

    return make


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace; what runs in it is stopped afterwards, and nothing may be left."""
    made = Workspace.create("test", tmp_path / "project")
    yield made
    shut_down(made)


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    """A source folder in a workspace, with a cluster to run it on."""
    return Project(workspace, tmp_path / "source")
