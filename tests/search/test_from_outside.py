"""Finding runs with the handles and on the command line."""

from __future__ import annotations

import json

import pytest

from faena import Experiment, Workspace
from faena.kernel.errors import UserErrorException
from tests.cli.test_commands import faena


@pytest.fixture
def workspace(lasting_workspace: Workspace) -> Workspace:
    return lasting_workspace


@pytest.fixture(scope="module")
def history(lasting_workspace: Workspace) -> dict[str, str]:
    """Ids of three runs by their team."""
    found = {}
    for number, team in enumerate("abc"):
        with Experiment(lasting_workspace, f"e{number % 2}").start_logging(
            snapshot_directory=None, outputs=None
        ) as run:
            run.log("Accuracy", number / 10)
            run.tag("team", team)
        found[team] = run.id
    return found


def test_handles_and_frames(workspace: Workspace, history: dict[str, str]) -> None:
    found = [run.id for run in workspace.find_runs("metrics.Accuracy > 0.05", sort="-metrics.Accuracy")]
    assert found == [history["c"], history["b"]]
    assert [run.experiment.name for run in workspace.find_runs("tags.team in (a, b)")] == ["e1", "e0"]
    assert len(list(workspace.find_runs(limit=2))) == 2
    with pytest.raises(UserErrorException, match=r"no field 'team'"):
        list(workspace.find_runs("team = a"))
    for limit in (0, -1, True, 2.0):
        with pytest.raises(UserErrorException, match="limit is"):
            list(workspace.find_runs(limit=limit))  # type: ignore[arg-type]  # what is wrong is meant


def test_a_frame_has_a_row_a_run(workspace: Workspace, history: dict[str, str]) -> None:
    pandas = pytest.importorskip("pandas")
    frame = workspace.runs_frame("status = Completed", sort="metrics.Accuracy")
    assert list(frame["id"]) == [history[team] for team in "abc"]
    assert list(frame["metrics.Accuracy"]) == [0, 0.1, 0.2]
    assert list(frame["tags.team"]) == ["a", "b", "c"]
    assert isinstance(frame["created"].dtype, pandas.DatetimeTZDtype)


def test_without_pandas_it_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(UserErrorException, match="pip install pandas"):
        workspace.runs_frame()


def test_the_command_line(workspace: Workspace, history: dict[str, str]) -> None:
    workspace.write_config(workspace.folder)
    out = faena(
        workspace, "runs", "--filter", "metrics.Accuracy >= 0.1", "--sort", "-metrics.Accuracy"
    ).stdout
    assert out.splitlines()[0].split() == ["Run", "Status", "Started", "Seconds", "Accuracy"]
    assert [line.split()[0] for line in out.splitlines()[1:]] == [history["c"], history["b"]]
    assert out.splitlines()[1].split()[-1] == "0.2"
    listed = json.loads(faena(workspace, "runs", "--sort", "metrics.Accuracy", "--json").stdout)
    assert [row["metrics"]["Accuracy"] for row in listed] == [0, 0.1, 0.2]
    refused = faena(workspace, "runs", "--filter", "metrics.Accuracy >> 1")
    assert refused.returncode != 0
    assert "expected a value" in refused.stderr
