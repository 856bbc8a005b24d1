"""Requests as MLflow's clients send them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.server.house import Answer, Visitor

JSON = {"Content-Type": "application/json"}


@dataclass
class Client:
    visitor: Visitor

    def send(self, verb: str, path: str, /, api: str = "2.0", **fields: Any) -> Answer:
        return self.visitor.ask(verb, f"/api/{api}/mlflow/{path}", json.dumps(fields).encode(), **JSON)

    def post(self, path: str, /, **fields: Any) -> Any:
        """What is answered to a request that is fine; `api`: the version that is spoken."""
        return _fine(self.send("POST", path, **fields))

    def get(self, path: str, /, **fields: Any) -> Any:
        return _fine(self.ask(path, **fields))

    def ask(self, path: str, /, api: str = "2.0", **fields: Any) -> Answer:
        return self.visitor.get(f"/api/{api}/mlflow/{path}?{urlencode(fields, doseq=True)}")

    def refused(self, path: str, /, **fields: Any) -> tuple[int, str, str]:
        answer = self.send("POST", path, **fields)
        assert answer.status >= 400, answer.text
        return answer.status, answer.json["error_code"], answer.json["message"]

    def new_run(self, **fields: Any) -> str:
        made = self.post("runs/create", **{"experiment_id": "0", **fields})
        return str(made["run"]["info"]["run_id"])

    def run(self, run_id: str) -> Any:
        return self.get("runs/get", run_id=run_id)["run"]

    def put_artifact(self, run: Any, path: str, data: bytes) -> Answer:
        return self.visitor.ask("PUT", f"{_files(run)}/{path}", data)

    def artifact(self, run: Any, path: str, **headers: str) -> Answer:
        return self.visitor.get(f"{_files(run)}/{path}", **headers)


def _files(run: Any) -> str:
    where = run["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    return f"/api/2.0/mlflow-artifacts/artifacts/{where}"


def _fine(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    return answer.json
