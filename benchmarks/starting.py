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
BUDGETS_MS = {"import": 30, "opened": 300, "help": 150}
NAMES = {"import": "import faena", "opened": "workspace opened, server up", "help": "faena --help"}
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
        beside = found[f"rival {what}"] - found["rival bare"] if rival else None
        rows.append(
            at_most(
                NAMES[what],
                found[what] - found["bare"],
                budget,
                "ms over bare",
                rival=RIVALS[what] if rival else "mlflow 2.0 s (published)",
                rival_value=beside,
                note=f"bare {found['bare']:.0f} ms",
            )
        )
    return rows


if __name__ == "__main__":
    command("Starting", measure)
