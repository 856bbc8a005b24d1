"""An import may end at any point: called again it comes to the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Workspace
from faena.client.mlflow_stores import importing
from tests.mlflow_stores.stores import BEGAN, FolderOfMlflow, history_of, told


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


class Killed(BaseException):
    """The process is gone, whatever it was about to do."""


@pytest.mark.long
def test_killed_at_any_request(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_RUNS_TOGETHER", 1)
    store = FolderOfMlflow(tmp_path / "mlruns")
    ids = [store.run(metrics={"loss": f"{BEGAN} {place} 0\n"}, files={"a": b"1"}) for place in range(3)]
    name = f"m{store.number}"
    store.model(name)
    store.version(name, 1, run_id=ids[0], source=f"runs:/{ids[0]}/a")
    send = workspace.api.transport.request
    left = 0

    def request(*arguments: object, **options: object) -> object:
        nonlocal left
        if "/mlflow-imports/" in str(arguments[1]):
            left -= 1
            if left < 0:
                raise Killed
        return send(*arguments, **options)  # type: ignore[arg-type]  # as they were given

    monkeypatch.setattr(workspace.api.transport, "request", request)
    for requests in range(5):
        left = requests
        with pytest.raises(Killed):
            workspace.import_mlflow(str(store.root))
    left = 100
    report = workspace.import_mlflow(str(store.root))
    assert report.whole
    assert (report.runs.here, report.runs.new, report.models.new) == (3, 0, 1)
    assert [history_of(workspace, run_id, "loss") for run_id in ids] == [
        [(BEGAN, 0, float(n))] for n in range(3)
    ]
    found = told(workspace, "experiments/get", experiment_id=store.number)["experiment"]
    assert found["name"] == store.name
    assert [
        run.number for run in sorted((workspace.get_run(each) for each in ids), key=lambda run: run.number)
    ] == [1, 2, 3]
