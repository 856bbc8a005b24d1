"""What starting costs over a bare Python: the import, an opened workspace, the command line.

    python -m benchmarks.starting

Whole processes in turns, `import mlflow` among them where it can be imported; medians.
"""

from __future__ import annotations

import sys
from functools import partial

from benchmarks.ground import Row, in_turns, median, rival_python, show, whole_process, workspace

OPEN = "import sys; from faena import Workspace; Workspace(sys.argv[1]).api.workspace()"


def measure(rounds: int = 9) -> list[Row]:
    with workspace() as ws:
        ws.api.version()
        python = sys.executable
        commands = {
            "bare": [python, "-c", "pass"],
            "import faena": [python, "-c", "import faena"],
            "workspace opened, server up": [python, "-c", OPEN, str(ws.folder)],
            "faena --help": [python, "-m", "faena.cli", "--help"],
        }
        if rival := rival_python():
            commands["mlflow"] = [rival, "-c", "import mlflow"]
        subjects = {name: partial(whole_process, command) for name, command in commands.items()}
        found = {name: median(times) for name, times in in_turns(subjects, rounds).items()}
    beside = f"import mlflow {1000 * (found['mlflow'] - found['bare']):.0f} ms" if "mlflow" in found else ""
    budgets = {"import faena": 30, "workspace opened, server up": 300, "faena --help": 150}
    rows = []
    for name, budget in budgets.items():
        over = 1000 * (found[name] - found["bare"])
        rows.append(Row(name, f"{over:.0f} ms over bare", f"<= {budget} ms", over <= budget, beside))
    return rows


if __name__ == "__main__":
    show("Starting", measure())
