"""Stands at the server's host in the place of a user: `python operator_process.py FOLDER`, told what to do by lines of
JSON on its standard input, answering by lines on its standard output.

["submit", {…}]           a run by an Estimator of these; its id
["deploy", NAME, …]       a model of a file, by a script of a folder, on a machine of the cluster
["ask", VERB, PATH]       what the server answers, as JSON or text
["begin", CLUSTER, …]     have the workspace, and let machines join the cluster; how they do
["attach", CLUSTER, …]     have the workspace, and a Ray cluster's nodes
["server"]                the server's process id
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from faena import (
    Environment,
    Estimator,
    Experiment,
    InferenceConfig,
    JoinedCluster,
    Model,
    RayCluster,
    Workspace,
)
from faena.compute.machines.schemas import ListenerRequest
from faena.testing.kills import processes


class Operator:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._workspace = Workspace.create("hosts", folder, exist_ok=True)

    def begin(self, cluster: str, max_nodes: int) -> dict[str, Any]:
        made = JoinedCluster.create(self._workspace, cluster, max_nodes=max_nodes)
        view = self._workspace.api.nodes.listen(ListenerRequest("0.0.0.0"))
        return {"port": int(view.url.rpartition(":")[2]), "token": made.join_token().token}

    def attach(self, cluster: str, address: str, hub: str, idle_seconds: float) -> None:
        """`address`: of the Ray cluster. `hub`: where its nodes reach the server."""
        self._workspace.api.nodes.listen(ListenerRequest(hub, 7001))
        RayCluster.attach(
            self._workspace, cluster, address=address, max_nodes=4, idle_seconds_before_scaledown=idle_seconds
        )

    def submit(self, described: dict[str, Any]) -> str:
        return Experiment(self._workspace, "hosts").submit(Estimator(**described)).id

    def deploy(self, name: str, cluster: str, folder: str, script: str, model: str) -> None:
        environment = Environment("own")
        environment.python.user_managed_dependencies = True
        environment.python.interpreter_path = sys.executable
        inference = InferenceConfig(script, source_directory=folder, environment=environment)
        with contextlib.redirect_stdout(sys.stderr):  # answers go to standard output
            made = Model.register(self._workspace, Path(folder, model), name)
            Model.deploy(self._workspace, name, [made], inference, deployment_target=cluster)

    def ask(self, verb: str, path: str) -> Any:
        said = self._workspace.api.transport.request(verb, path).data.decode()
        try:
            return json.loads(said)
        except ValueError:
            return said

    def server(self) -> int | None:
        return processes.server_of(self._workspace.files.path)


def main() -> None:
    operator = Operator(Path(sys.argv[1]))
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        try:
            answer = {"found": getattr(operator, verb)(*arguments)}
        except Exception as error:  # noqa: BLE001  raised where the test is
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
