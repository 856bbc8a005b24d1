"""`faena env` on a real workspace, with a state folder of its own: what it removes is nobody else's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena import Cluster, CondaDependencies, Environment, Estimator, Experiment, Run, Workspace
from faena.environments import folders
from faena.environments.ready import hold
from faena.testing.waiting import until
from tests.cli.terminal import within
from tests.conftest import shut_down
from tests.environments.packages import make_wheel

from .test_commands import faena

WAITING = """\
import os, time
print('up', flush=True)
while not os.path.exists('{gate}'):
    time.sleep(0.02)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interpreters_asked: Path) -> Iterator[Workspace]:
    """A workspace whose server sees one folder of packages, `thing`, and has a state folder of its own."""
    (tmp_path / "home").mkdir()
    shutil.copy(interpreters_asked, tmp_path / "home")
    make_wheel(tmp_path / "packages", "thing")
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "packages"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    workspace = Workspace.create("test", tmp_path / "project")
    workspace.write_config(workspace.folder)
    yield workspace
    shut_down(workspace)


def submit(workspace: Workspace, source: Path, *packages: str) -> Run:
    source.mkdir(exist_ok=True)
    script = source / "train.py"
    if not script.exists():
        script.write_text("import thing\nprint(thing.VERSION)\n")
    cluster = Cluster.get_or_create(workspace, "local")
    estimator = Estimator(
        source, compute_target=cluster, entry_script="train.py", pip_packages=list(packages)
    )
    return Experiment(workspace, "env").submit(estimator)


@pytest.mark.long
def test_environments_are_this_users_wherever_one_stands(project: Workspace, tmp_path: Path) -> None:
    submit(project, tmp_path / "source", "thing").wait_for_completion()
    (tmp_path / "elsewhere").mkdir()
    (each,) = json.loads(within(tmp_path / "elsewhere", "env", "list", "--json").stdout)["built"]
    shown = within(tmp_path / "elsewhere", "env", "show", each["digest"][:6])
    assert b"thing==" in shown.stdout
    few = within(tmp_path / "elsewhere", "env", "show", each["digest"][:5])
    assert (few.returncode, b"faena init" in few.stderr) == (1, True)
    here = faena(project, "env", "show", each["digest"][:5])
    assert (here.returncode, "6 characters" in here.stderr) == (1, True)
    here = faena(project, "env", "prune", each["digest"][:5])
    assert (here.returncode, "give 6 or more" in here.stderr) == (1, True)
    pruned = within(tmp_path / "elsewhere", "env", "prune", "--all", "--dry-run", "--json")
    found = json.loads(pruned.stdout)
    assert [gone["digest"] for gone in found["removed"] + found["kept"]] == [each["digest"]]


def listed(workspace: Workspace) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(faena(workspace, "env", "list", "--json").stdout)["built"]
    return found


@pytest.mark.long
def test_what_there_is_and_what_goes(project: Workspace, tmp_path: Path) -> None:
    run = submit(project, tmp_path / "source", "thing")
    run.wait_for_completion()
    digest = run.refresh().lock
    assert digest is not None
    until(lambda: listed(project)[0]["held_by"] == "", "its builder has left")
    [found] = listed(project)
    assert (found["digest"], found["state"], found["requirements"]) == (digest, "ready", ["thing==1.0"])
    assert digest[:12] in faena(project, "env", "list").stdout
    assert "thing==1.0" in faena(project, "env", "show", digest[:12]).stdout
    assert json.loads(faena(project, "env", "show", digest, "--json").stdout)["digest"] == digest

    assert faena(project, "env", "prune").stdout == "0 B freed\n"
    dry = json.loads(faena(project, "env", "prune", "--unused-days", "0", "--dry-run", "--json").stdout)
    assert [each["digest"] for each in dry["removed"]] == [digest]
    assert dry["bytes_freed"] == found["bytes_used"]
    assert len(listed(project)) == 1

    with hold(digest):
        assert "stays: a process has it" in faena(project, "env", "prune", digest[:8]).stdout
        assert "in use" in faena(project, "env", "rebuild", run.id).stderr
    assert "removed" in faena(project, "env", "prune", digest[:8]).stdout
    assert listed(project) == []
    assert "Ready in" in faena(project, "env", "rebuild", run.id).stdout
    assert [each["digest"] for each in listed(project)] == [digest]
    until(lambda: listed(project)[0]["held_by"] == "", "its builder has left")
    assert "Ready in" in faena(project, "env", "rebuild", run.id).stdout


@pytest.mark.long
def test_a_run_holds_what_it_runs_on(project: Workspace, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text(WAITING.format(gate=gate))
    run = submit(project, tmp_path / "source", "thing")
    try:
        until(lambda: run.get_status() == "Running", "the script runs")
        digest = str(run.refresh().lock)
        assert "stays" in faena(project, "env", "prune", digest).stdout
        assert (folders.envs() / digest).is_dir()
    finally:
        gate.touch()
    run.wait_for_completion()


@pytest.mark.long
def test_a_failed_build_is_remembered_with_its_cause(project: Workspace, tmp_path: Path) -> None:
    run = submit(project, tmp_path / "source", "lacking")
    run.wait_for_completion(raise_on_error=False)
    [found] = listed(project)
    assert found["state"] == "failed"
    assert "lacking" in str(found["cause"])
    digest = str(found["digest"])
    assert "lacking" in faena(project, "env", "show", digest[:12]).stdout
    assert "failed" in faena(project, "env", "list").stdout
    assert "has no environment" in faena(project, "env", "rebuild", run.id).stderr
    assert faena(project, "env", "prune", digest).returncode == 0
    assert listed(project) == []


def test_registered_ones_are_shown(project: Workspace) -> None:
    environment = Environment("mine")
    environment.python.conda_dependencies = CondaDependencies.create(conda_packages=["thing"])
    environment.register(project)
    assert "mine" in faena(project, "env", "list").stdout
    assert "thing" in faena(project, "env", "show", "mine").stdout
    assert (
        json.loads(faena(project, "env", "show", "mine", "--version", "1", "--json").stdout)["version"] == 1
    )


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder without environments."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def lasting_project(
    lasting_workspace: Workspace, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """The module's workspace: none of those who use it makes an environment."""
    monkeypatch.setenv("FAENA_HOME", str(empty_home))
    lasting_workspace.write_config(lasting_workspace.folder)
    return lasting_workspace


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "nope"],
        ["show", "../../etc"],
        ["show", "0" * 64],
        ["prune", "abc"],
        ["prune", "../../etc"],
        ["prune", "0" * 64],
        ["rebuild", "nope"],
    ],
)
def test_what_is_not_there_is_one_line_and_exit_code_1(
    lasting_project: Workspace, arguments: list[str]
) -> None:
    done = faena(lasting_project, "env", *arguments)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
