"""What a notebook adds to the same calls by a script: `python -m benchmarks.notebook_overhead [--quick]`.

The program opens the workspace, takes or makes a cluster, submits a run of some seconds that logs and prints, waits for
it, reads its metrics and registers its model. In the notebook, which nbclient runs, `RunDetails(run).show()` shows it
meanwhile. Wall and CPU seconds of the process that does it, from its first statement to its last: the start of the
kernel, and that of the interpreter, do not count. In turns: a busy machine slows both alike.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient

from benchmarks.ground import workspace
from benchmarks.rows import Row, at_most, command
from faena import Workspace

TRAINING = """
import time
from faena import Run
run = Run.get_context()
for step in range({steps}):
    run.log("loss", 1 / (step + 1))
    run.log("accuracy", 1 - 1 / (step + 1))
    print("step", step)
    time.sleep(0.1)
open("outputs/model.txt", "w").write("weights")
"""
CELLS = (
    "import resource, time\nbegan, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)",
    "from faena import *\nws = Workspace({folder!r})",
    'cluster = ws.compute_targets.get("cpu") or Cluster.create(ws, "cpu", max_nodes=1)',
    'estimator = Estimator({source!r}, entry_script="train.py", compute_target=cluster, interpreter={python!r})\n'
    'run = Experiment(ws, "overhead").submit(estimator)',
    "{show}\nrun.wait_for_completion()",
    'metrics = run.get_metrics()\nmodel = run.register_model("overhead", "outputs/model.txt")',
    "import json\nnow = resource.getrusage(resource.RUSAGE_SELF)\n"
    "print(json.dumps([time.perf_counter() - began, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime]))",
)
SHOW = "RunDetails(run).show()"
BUDGET = 5.0
"""Percent."""


def measure(quick: bool = False) -> list[Row]:
    pairs, steps = (2, 20) if quick else (11, 50)
    with workspace() as ws:
        source = ws.folder.parent / "source"
        source.mkdir()
        (source / "train.py").write_text(TRAINING.format(steps=steps))
        program = _Program(ws, source)
        program.by_script(), program.by_notebook()
        found = [(program.by_script(), program.by_notebook()) for _ in range(pairs)]
    scripts, notebooks = zip(*found, strict=True)
    more = [100 * (notebook.wall / script.wall - 1) for script, notebook in found]
    wall = (
        statistics.median(each.wall for each in scripts),
        statistics.median(each.wall for each in notebooks),
    )
    cpu = statistics.median(each.cpu for each in scripts), statistics.median(each.cpu for each in notebooks)
    spread = f"script {wall[0]:.2f} s, notebook {wall[1]:.2f} s; {pairs} pairs, {min(more):.1f} to {max(more):.1f} %"
    return [
        at_most("a notebook's overhead: wall", statistics.median(more), BUDGET, "%", note=spread),
        Row(
            "a notebook's overhead: CPU of the process",
            "",
            cpu[1] - cpu[0],
            "s",
            note=f"script {cpu[0]:.2f} s, notebook {cpu[1]:.2f} s",
        ),
    ]


class _Used(NamedTuple):
    wall: float
    cpu: float


class _Program:
    def __init__(self, ws: Workspace, source: Path) -> None:
        given = {"folder": str(ws.folder), "source": str(source), "python": sys.executable}
        self._folder = source.parent
        self._script = "\n".join(each.format(**given, show="") for each in CELLS)
        self._cells = [each.format(**given, show=SHOW) for each in CELLS]

    def by_script(self) -> _Used:
        command = [sys.executable, "-c", self._script]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=self._folder)
        return _Used(*json.loads(done.stdout.splitlines()[-1]))

    def by_notebook(self) -> _Used:
        cells = [nbformat.v4.new_code_cell(each) for each in self._cells]  # type: ignore[no-untyped-call]  # it has no types
        notebook = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]  # it has no types
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(self._folder)}}).execute()
        shown = [each for each in notebook.cells[-3].outputs if each["output_type"] == "display_data"]
        if "Completed" not in shown[0]["data"]["text/plain"]:
            raise RuntimeError(f"the view ended as {shown[0]['data']['text/plain']}")
        return _Used(*json.loads(notebook.cells[-1].outputs[0]["text"]))


if __name__ == "__main__":
    command("What a notebook adds", measure)
