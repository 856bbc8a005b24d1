"""What starting costs over a bare Python: the import, an opened workspace, the command line.

    python -m benchmarks.starting [--quick]

Whole processes in turns, each less the median of its own interpreter's `-c pass`. Beside them, from `RIVAL_PYTHON`,
`import mlflow`, an MLflow client that lists the experiments of a SQLite file, and `mlflow --help`.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from benchmarks.ground import in_turns, median, rival_python, whole_process, workspace
from benchmarks.rows import Row, at_most, command

OPEN = "from faena import Workspace; Workspace.from_config().api.version()"
OPEN_RIVAL = "from mlflow import MlflowClient; MlflowClient('sqlite:///rival.db').search_experiments()"
V1_NAMES = "from azureml.core import Workspace, Experiment, Run"
BUDGETS_MS = {"import": 15, "opened": 150, "help": 100, "v1 names": 100}
NAMES = {
    "import": "import faena",
    "opened": "workspace opened, server up",
    "help": "faena --help",
    "v1 names": V1_NAMES,
}
RIVALS = {"import": "import mlflow", "opened": "MLflow client on SQLite", "help": "mlflow --help"}


def measure(quick: bool = False) -> list[Row]:
    with workspace() as ws:
        ws.api.version()
        ws.write_config(ws.folder)
        python, script = sys.executable, Path(sys.executable).with_name("faena")
        commands = {
            "bare": [python, "-c", "pass"],
            "import": [python, "-c", "import faena"],
            "opened": [python, "-c", OPEN],
            "v1 names": [python, "-c", V1_NAMES],
            "help": [str(script), "--help"] if script.exists() else [python, "-m", "faena.cli", "--help"],
        }
        if rival := rival_python():
            commands["rival bare"] = [rival, "-c", "pass"]
            commands["rival import"] = [rival, "-c", "import mlflow"]
            commands["rival opened"] = [rival, "-c", OPEN_RIVAL]
            commands["rival help"] = [rival, "-m", "mlflow", "--help"]
        subjects = {name: partial(whole_process, command, ws.folder) for name, command in commands.items()}
        times = in_turns(subjects, 2 if quick else 5)
    found = {name: 1000 * median(seconds) for name, seconds in times.items()}
    rows = []
    for what, budget in BUDGETS_MS.items():
        beside = found[f"rival {what}"] - found["rival bare"] if rival and what in RIVALS else None
        rows.append(
            at_most(
                NAMES[what],
                found[what] - found["bare"],
                budget,
                "ms over bare",
                rival=_rival(what, rival),
                rival_value=beside,
                note=f"bare {found['bare']:.0f} ms",
            )
        )
    return rows


def _rival(what: str, measured: str | None) -> str:
    if what not in RIVALS:
        return ""
    return RIVALS[what] if measured else "mlflow 2.0 s (published)"


if __name__ == "__main__":
    command("Starting", measure)
