"""Histories that MLflow itself makes come whole, and MLflow itself opens what is exported.

Both are told by MLflow's own client on both sides, in environments of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faena import Workspace
from faena.client.mlflow_stores.report import Counts
from faena.testing import postgresql
from tests.mlflow_stores.stores import BEGAN, FolderOfMlflow, history_of

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(1800)]

VERSIONS = {
    "3": ["mlflow==3.17.2", "psycopg2-binary"],
    "2": ["mlflow==2.22.5", "sqlalchemy<2.1", "opentelemetry-sdk<1.45", "psycopg2-binary"],
}
TOOLS = Path(__file__).parent / "true_clients"


def client(version: str, folder: Path) -> Path:
    """The Python of an environment that has this MLflow."""
    from uv import find_uv_bin

    made = folder / f"mlflow-{version}"
    subprocess.run([find_uv_bin(), "venv", "-q", "--python", sys.executable, str(made)], check=True)
    python = made / "bin" / "python"
    asked = [find_uv_bin(), "pip", "install", "-q", "--python", str(python), *VERSIONS[version]]
    subprocess.run(asked, check=True)
    return python


@pytest.mark.parametrize("version", list(VERSIONS))
def test_there_and_back(
    own_workspace: Workspace, tmp_path: Path, version: str, postgresql_server: postgresql.Server
) -> None:
    python = client(version, tmp_path)
    base = postgresql_server.url(postgresql_server.create()).replace(":", "+psycopg2:", 1)
    for source in (str(tmp_path / "mlruns"), f"sqlite:///{tmp_path / 'mlflow.db'}", base):
        _run(python, "history.py", source, cwd=tmp_path)
        report = own_workspace.import_mlflow(source)
        assert report.whole, report
        assert not report.without_counterpart
        assert not [note for note in report.notes if "its id here is" not in note.said]
        address = own_workspace.get_mlflow_tracking_uri()
        _run(python, "compare.py", source, address, cwd=tmp_path)
    out = tmp_path / "out"
    assert own_workspace.export_mlflow(out).notes == []
    _run(python, "compare.py", own_workspace.get_mlflow_tracking_uri(), str(out), cwd=tmp_path)


def _run(python: Path, script: str, *arguments: str, cwd: Path) -> None:
    environment = {**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "GIT_PYTHON_REFRESH": "quiet"}
    done = subprocess.run(
        [python, TOOLS / script, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_a_thousand_runs_come_while_everybody_is_killed(own_workspace: Workspace, tmp_path: Path) -> None:
    """Each with 20 metrics of 1,000 points, 10 parameters and 5 files."""
    store = FolderOfMlflow(tmp_path / "mlruns")
    ids = []
    for number in range(1000):
        lines = "".join(f"{BEGAN + number + step} {number / (step + 1)!r} {step}\n" for step in range(1000))
        ids.append(
            store.run(
                metrics={f"m/{place}": lines for place in range(20)},
                params={f"p{place}": str(number) for place in range(10)},
                files={f"sub/f{place}": f"{number} {place}".encode() * 100 for place in range(5)},
            )
        )
    command = [
        sys.executable,
        "-m",
        "faena.cli",
        "-w",
        str(own_workspace.folder),
        "import-mlflow",
        str(store.root),
    ]
    for seconds in (8, 20, 30):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    began = time.monotonic()
    report = own_workspace.import_mlflow(str(store.root))
    print(f"the rest of 1,000 runs in {time.monotonic() - began:.0f} s: {report.runs}")
    assert report.whole
    assert report.runs.there == report.runs.new + report.runs.here == 1000
    assert (report.points, report.files) == (20_000_000, 5_000)
    assert own_workspace.import_mlflow(str(store.root)).runs == Counts(there=1000, here=1000)
    assert len(history_of(own_workspace, ids[-1], "m/19")) == 1000
