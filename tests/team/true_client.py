"""MLflow's own client, in a process and an environment of its own: what it was told, against what is there."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

from faena.testing.waiting import until
from tests.team.asking import Asker
from tests.team.ground import Team
from tests.team.work import Worker, differences

_SCRIPT = Path(__file__).with_name("mlflow_script.py")
VARIABLE = "MLFLOW_PYTHON"
"""The interpreter that has MLflow; where the environment names none, its client is left out."""


class TrueClient(Worker):
    kind = "MLflow"

    def __init__(self, team: Team, who: int) -> None:
        super().__init__(team, who)
        self._confirm, self._release = team.folder / f"mlflow-{who}", team.folder / f"mlflow-{who}-ends"
        self._output = team.folder / f"mlflow-{who}.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._asker = Asker(team.url, team.token)

    def work(self, over: threading.Event) -> None:
        told = {
            "MLFLOW_TRACKING_URI": self.team.url,
            "MLFLOW_TRACKING_TOKEN": self.team.token,
            "MLFLOW_TRACKING_SERVER_CERT_PATH": str(self.team.certificate),
        }
        command = [os.environ[VARIABLE], str(_SCRIPT), str(self._confirm), str(self._release)]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command, env={**os.environ, **told}, stdout=output, stderr=output
            )
        over.wait()
        self._release.touch()
        try:
            self._process.wait(400)
        finally:
            self._process.kill()
            self._process.wait()
        self.acknowledged = len(self._said("point"))

    def close(self) -> None:
        self._asker.close()

    def begun(self) -> bool:
        return len(self._said("point")) > 0

    def found(self) -> list[str]:
        if self._process is None or self._process.returncode:
            return [f"MLflow's client ended: {self._output.read_text(errors='replace')[-600:]}"]
        asker = self._asker
        run = self._said("run")[0]
        view = asker.get(f"runs/get?run_id={run}")["run"]
        points = [(float(number), int(number)) for number in self._said("point")]
        wrong = differences("MLflow's points", points, asker.history(run, "n"))
        there = {each["key"]: each["value"] for each in view["data"].get("params", [])}
        wrong += [f"parameter {each} is gone" for each in self._said("parameter") if f"p{each}" not in there]
        tags = {each["key"]: each["value"] for each in view["data"]["tags"]}
        if self._said("tag") and tags.get("count") != self._said("tag")[-1]:
            wrong.append(f"MLflow's tag is {tags.get('count')}")
        wrong += [
            f"MLflow's file {each} is not whole"
            for each in self._said("file")
            if asker.file(run, f"texts/{each}.txt").decode() != f"{each} " * 500
        ]
        filtered = asker.get(f"model-versions/search?filter=name%3D%27model-{run}%27&max_results=10000")
        versions = sorted(int(each["version"]) for each in filtered.get("model_versions", []))
        if lost := {int(each) for each in self._said("version")} - set(versions):
            wrong.append(f"MLflow's versions {sorted(lost)} are gone")
        if view["info"]["status"] != "FINISHED":
            wrong.append(f"MLflow's run ends as {view['info']['status']}")
        return wrong

    def _said(self, what: str) -> list[str]:
        if not Path(self._confirm).exists():
            return []
        lines = [line.split() for line in self._confirm.read_text().rpartition("\n")[0].splitlines()]
        return [value for said, value in lines if said == what]


def wait_until_begun(client: TrueClient) -> None:
    until(client.begun, "MLflow's client logs", seconds=120)
