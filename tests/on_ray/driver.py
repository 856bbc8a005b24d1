"""Who has something trained on a Ray cluster: `python driver.py WHAT JSON`.

The last line that it prints is what it found, as JSON.
WHAT: count (a run that counts, of `nodes` nodes), mnist (the main job), sweep, chainermn (two nodes), too_large (a run
for which no node type has enough).
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from faena import (
    Chainer,
    Experiment,
    GridParameterSampling,
    HyperDriveConfig,
    HyperDriveRun,
    PrimaryMetricGoal,
    RayCluster,
    ScriptRunConfig,
    Workspace,
    choice,
)
from faena.client.runs.run import Run
from faena.compute.machines.schemas import ListenerRequest
from faena.kernel.errors import FaenaError
from faena.testing.waiting import until

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_FOLDER = Path("/tmp/project")
_ENDS = ("Completed", "Failed", "Canceled")
_PATIENCE = 400.0
_COUNT = """
import os, sys, time
from faena import Run
print("script", os.environ["FAENA_RANK"], [name for name in os.environ if name.startswith("RAY_")], flush=True)
for step in range(int(float(sys.argv[1]) * 10)):
    Run.get_context().log("step", step)
    time.sleep(0.1)
open("outputs/made.txt", "w").write("made")
"""
_TRIAL = """
import argparse, time
from faena import Run
parser = argparse.ArgumentParser()
parser.add_argument("--units", type=int)
parser.add_argument("--seconds", type=float)
asked = parser.parse_args()
run = Run.get_context()
for epoch in range(10):
    run.log("Accuracy", asked.units + epoch / 100)
    time.sleep(asked.seconds / 10)
open("outputs/model.txt", "w").write(str(asked.units))
"""


class Driver:
    """`address`: of the Ray cluster. `hub`: where its nodes reach the server. `interpreter`: of scripts."""

    def __init__(
        self, address: str, hub: str, interpreter: str, nodes: int = 1, seconds: float = 0.3
    ) -> None:
        self._interpreter, self._nodes, self._seconds = interpreter, nodes, seconds
        (_FOLDER / "src").mkdir(parents=True, exist_ok=True)
        self._ws = Workspace.create("far", _FOLDER, exist_ok=True)
        self._ws.api.nodes.listen(ListenerRequest(hub, 7001))
        self._address = address
        self._big = self._attach()

    def count(self) -> dict[str, Any]:
        run = self._experiment().submit(self._script(_COUNT, [str(self._seconds)], self._nodes))
        found = self._followed(run)
        return {**found, "points": len(run.get_metrics().get("step", []))}

    def too_large(self) -> dict[str, Any]:
        """Once it is known what the cluster offers."""
        self._attach(cpus_per_node=64)
        until(self._offers, "the cluster's node types are known", seconds=_PATIENCE)
        try:
            self._experiment().submit(self._script(_COUNT, ["0.1"], 1)).cancel()
        except FaenaError as error:
            return {"error": error.message}
        return {"error": ""}

    def mnist(self) -> dict[str, Any]:
        """The main job, as examples/demo.py has it."""
        run = self._experiment().submit(
            Chainer(
                _EXAMPLES / "chainer-mnist",
                entry_script="chainer_mnist.py",
                script_params={"--epochs": 2, "--batchsize": 128, "--output_dir": "./outputs"},
                compute_target=self._big,
                interpreter=self._interpreter,
                use_gpu=True,
            )
        )
        found = self._followed(run)
        if found["status"] == "Completed":
            model = run.register_model("mnist", "outputs/model.npz")
            found |= {"accuracy": run.get_metrics()["Accuracy"], "model": model.version}
        return found

    def chainermn(self) -> dict[str, Any]:
        """ChainerMN's own example, unchanged, on two nodes."""
        shutil.copy(_EXAMPLES / "chainermn-mnist" / "train_mnist.py", _FOLDER / "src" / "train.py")
        run = self._experiment().submit(
            Chainer(
                _FOLDER / "src",
                entry_script="train.py",
                script_params={"--communicator": "naive", "--epoch": 2, "--unit": 100, "--out": "outputs"},
                compute_target=self._big,
                interpreter=self._interpreter,
                node_count=2,
                process_count_per_node=1,
                distributed_backend="mpi",
            )
        )
        found = self._followed(run)
        logs = run.get_details_with_logs()["logFiles"]
        return {**found, "log": str(logs.get("azureml-logs/70_driver_log_0.txt", ""))}

    def sweep(self) -> dict[str, Any]:
        """Six trials, three at once, of which the one with the most units is the best.

        `before`: how the runs ended that were tried again: a sweep gives a trial another run.
        """
        trial = self._script(_TRIAL, ["--seconds", str(self._seconds)], 1)
        config = HyperDriveConfig(
            GridParameterSampling({"--units": choice(1, 2, 3, 4, 5, 6)}),
            "Accuracy",
            PrimaryMetricGoal.MAXIMIZE,
            max_total_runs=6,
            max_concurrent_runs=3,
            run_config=trial,
        )
        sweep = self._experiment().submit(config)
        assert isinstance(sweep, HyperDriveRun)
        found = self._followed(sweep)
        trials = list(sweep.trials())
        tried = {run.id: run for run in sweep.get_children()}
        last = [tried.pop(str(trial.run_id)) for trial in trials]
        best = sweep.get_best_run_by_primary_metric()
        return {
            **found,
            "trials": [trial.status for trial in trials],
            "tries": sum(trial.tries for trial in trials),
            "points": [_points(run.get_metrics().get("Accuracy", [])) for run in last],
            "before": sorted(str(run.get_details().get("error")) for run in tried.values()),
            "best": best and best.get_metrics()["Accuracy"],
            "outputs": sum("outputs/model.txt" in run.get_file_names() for run in last),
        }

    def _attach(self, **shape: Any) -> RayCluster:
        own: dict[str, Any] = {"address": self._address, "max_nodes": 4, "idle_seconds_before_scaledown": 3}
        return RayCluster.attach(self._ws, "big", **own, **shape)

    def _offers(self) -> bool:
        found = json.loads(self._ws.api.cluster("big").settings)["offer"]
        return bool(found and found["types"])

    def _experiment(self) -> Experiment:
        return Experiment(self._ws, "far")

    def _script(self, script: str, arguments: list[str], nodes: int) -> ScriptRunConfig:
        (_FOLDER / "src" / "train.py").write_text(script)
        source = ScriptRunConfig(
            str(_FOLDER / "src"), script="train.py", arguments=arguments, compute_target="big"
        )
        source.run_config.node_count = nodes
        source.run_config.environment.python.user_managed_dependencies = True
        source.run_config.environment.python.interpreter_path = self._interpreter
        return source

    def _followed(self, run: Run) -> dict[str, Any]:
        """Until it has ended and its nodes have left."""
        began, seen = time.monotonic(), list[list[Any]]()
        while (status := run.get_status()) not in _ENDS and time.monotonic() - began < _PATIENCE:
            view = self._ws.api.run(run.id)
            if not seen or seen[-1][1:] != [view.status, view.blocker]:
                seen.append([round(time.monotonic() - began, 2), view.status, view.blocker])
                print(json.dumps(seen[-1]), flush=True)
            time.sleep(0.05)
        took = time.monotonic() - began
        while self._ws.api.nodes.list() and time.monotonic() - began < took + _PATIENCE:
            time.sleep(0.1)
        return {
            "status": status,
            "took": took,
            "seen": seen,
            "files": run.get_file_names(),
            "attempts": self._ws.api.run(run.id).attempt,
            "left": [node.name for node in self._ws.api.nodes.list()],
            "error": str(run.get_details().get("error")),
        }


def _points(values: Any) -> int:
    """v1 gives a single value as it is."""
    return len(values) if isinstance(values, list) else 1


def main() -> None:
    what, given = sys.argv[1:]
    print(json.dumps(getattr(Driver(**json.loads(given)), what)()), flush=True)


if __name__ == "__main__":
    main()
