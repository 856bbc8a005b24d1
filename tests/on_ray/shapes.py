"""Who asks a Ray cluster for nodes of many shapes: `python shapes.py JSON`; the last line is what he found, as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Literal

from faena import Experiment, RayCluster, ScriptRunConfig, Workspace
from faena.client.runs.run import Run
from faena.compute.machines.schemas import ListenerRequest
from faena.kernel.errors import FaenaError

Gpu = Literal["none", "auto", "require"]
_FOLDER = Path("/tmp/shapes")
_ENDS = ("Completed", "Failed", "Canceled")
_PATIENCE = 200.0
_SCRIPT = """
import os, time
from faena import Run
Run.get_context().log("cuda", os.environ.get("CUDA_VISIBLE_DEVICES") or "none")
time.sleep(1)
"""


class Shapes:
    """`address`: of the Ray cluster. `hub`: where its nodes reach the server. `interpreter`: of scripts."""

    def __init__(self, address: str, hub: str, interpreter: str) -> None:
        self._address, self._interpreter = address, interpreter
        (_FOLDER / "src").mkdir(parents=True)
        (_FOLDER / "src" / "train.py").write_text(_SCRIPT)
        self._ws = Workspace.create("shapes", _FOLDER)
        self._ws.api.nodes.listen(ListenerRequest(hub, 7002))
        self.found: dict[str, Any] = {}

    def refused(self, name: str, nodes: int, **shape: Any) -> None:
        """Of runs that are submitted when what the cluster offers is known."""
        self._attach(name, **shape)
        began = time.monotonic()
        while not self._offer(name).get("types") and time.monotonic() - began < _PATIENCE:
            time.sleep(0.05)
        found: dict[str, Any] = {
            "known": round(time.monotonic() - began, 2),
            "offer": self._offer(name),
            "error": "",
        }
        try:
            self._submit(name, nodes, "none").cancel()
        except FaenaError as error:
            found["error"] = error.message
        self._note(name, found)

    def run(self, name: str, nodes: int = 1, gpu: Gpu = "none", **shape: Any) -> None:
        self._attach(name, **shape)
        run, began, seen = self._submit(name, nodes, gpu), time.monotonic(), list[str]()
        while (status := run.get_status()) not in _ENDS and time.monotonic() - began < _PATIENCE:
            if (blocker := self._ws.api.run(run.id).blocker) and blocker not in seen:
                seen.append(blocker)
            time.sleep(0.1)
        cuda = run.get_metrics().get("cuda")
        error = str(run.get_details().get("error"))
        self._note(name, {"status": status, "cuda": cuda, "seen": seen, "error": error})
        run.cancel()

    def _attach(self, name: str, **shape: Any) -> None:
        own: dict[str, Any] = {"address": self._address, "max_nodes": 20, "idle_seconds_before_scaledown": 1}
        RayCluster.attach(self._ws, name, **own, **shape)

    def _offer(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] | None = json.loads(self._ws.api.cluster(name).settings)["offer"]
        return found or {}

    def _submit(self, name: str, nodes: int, gpu: Gpu) -> Run:
        source = ScriptRunConfig(str(_FOLDER / "src"), script="train.py", compute_target=name)
        source.run_config.node_count = nodes
        source.run_config.gpu = gpu
        source.run_config.environment.python.user_managed_dependencies = True
        source.run_config.environment.python.interpreter_path = self._interpreter
        return Experiment(self._ws, "shapes").submit(source)

    def _note(self, name: str, found: dict[str, Any]) -> None:
        self.found[name] = found
        print(name, json.dumps(found), flush=True)


def main() -> None:
    asked = Shapes(**json.loads(sys.argv[1]))
    asked.refused("huge", 1, cpus_per_node=64)
    asked.refused("wide", 5, cpus_per_node=0.5, gpus_per_node=0.5)
    asked.run("half", nodes=2, gpu="require", cpus_per_node=0.5, gpus_per_node=0.5)
    asked.run("memory", memory_per_node=1 << 28)
    asked.run("tpu", nodes=2, resources_per_node={"tpu": 1})
    print(json.dumps(asked.found), flush=True)


if __name__ == "__main__":
    main()
