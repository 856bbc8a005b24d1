"""Asks a real server one route after the other, and keeps what it answers: the examples of the description of the API.

python -m tests.server.api_session src/faena/server/reference/examples.json
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from faena.kernel.settings import home
from faena.server.reference.completing import Example
from faena.testing.clock import ManualClock
from tests.people.shared import Shared
from tests.server.house import running

DATA = b"a file\n"
DIGEST = hashlib.sha256(DATA).hexdigest()
_TOKEN = re.compile(r"FAENA\w?-[\w.-]+")


class Session:
    """An owner's. What differs from one recording to the next (tokens, folders) is written as what it stands for."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._routes = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), template)
            for template in sorted(
                {route.path_format for route in shared.server.app.routes}, key=lambda path: path.count("{")
            )
        ]
        self.examples: dict[tuple[str, str], Example] = {}

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        """The answer, which must be a good one."""
        answer = self._shared.owner.ask(verb, path, body)
        assert answer.status < 300, f"{verb} {path}: {answer.status} {answer.text}"
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        told = answer.json if answer.body and is_json else None
        if path.startswith("/api/"):
            return told  # MLflow's, which its own documents describe
        route = self._route(path.partition("?")[0])
        example = Example(verb, route, path, answer.status, body, told)
        self.examples.setdefault((verb, route), self._without_secrets(example))
        return told

    def put_bytes(self, data: bytes) -> None:
        answer = self._shared.owner.ask("PUT", f"/objects/{hashlib.sha256(data).hexdigest()}", data)
        assert answer.status < 300, answer.text

    def _route(self, path: str) -> str:
        return next(template for pattern, template in self._routes if pattern.fullmatch(path))

    def _without_secrets(self, example: Example) -> Example:
        text = json.dumps(msgspec.to_builtins(example), ensure_ascii=False)
        for folder, shown in (
            (self._shared.server.house.folder.path.parent, "/srv/team"),
            (home(), "/srv/faena"),
        ):
            text = text.replace(str(folder), shown)
        text = _TOKEN.sub("FAENAP-…", text)
        return msgspec.json.decode(text, type=Example)


def record(shared: Shared) -> list[Example]:
    session = Session(shared)
    for part in (_workspace, _people, _clusters, _objects, _runs, _models, _tidying, _lists):
        part(session)
    return [session.examples[key] for key in sorted(session.examples, key=lambda key: (key[1], key[0]))]


def _workspace(session: Session) -> None:
    ask = session.ask
    ask("GET", "/version")
    ask("GET", "/workspace")
    ask("PATCH", "/workspace", {"as_of": "2020-06-01"})
    ask("PATCH", "/workspace", {"as_of": ""})
    ask("PUT", "/experiments?name=mnist")
    ask("PATCH", "/experiments?name=mnist", {"add_tags": {"team": "vision"}})
    ask("GET", "/experiments/named?name=mnist")
    ask("GET", "/experiments/as-of?name=mnist")
    ask("GET", "/experiments")
    ask("PUT", "/experiments?name=left")
    ask("DELETE", "/experiments?name=left")
    ask("PUT", "/secrets", {"API_KEY": "abc"})
    ask("GET", "/secrets")
    ask("POST", "/secrets/values", ["API_KEY", "NONE"])
    ask("DELETE", '/secrets?names=["API_KEY"]')
    view = ask("POST", "/views", {"name": "good ones", "query": "filter=metrics.accuracy > 0.9"})
    ask("GET", "/views?page=runs")
    ask("PATCH", f"/views/{view['id']}", {"name": "the best"})
    ask("DELETE", f"/views/{view['id']}")


def _people(session: Session) -> None:
    ask = session.ask
    ask("GET", "/me")
    ask("PUT", "/people/bob", {"role": "contributor"})
    ask("GET", "/people")
    token = ask("POST", "/people/bob/tokens", {"label": "laptop", "days": 30})
    ask("GET", "/people/bob/tokens")
    ask("DELETE", f"/people/bob/tokens/{token['id']}")
    ask("GET", "/audit-log?most=2")
    ask("PATCH", "/quotas", {"person": "bob", "set": {"nodes": 4, "node_hours": 200}})
    ask("GET", "/quotas")
    ask("PATCH", "/quotas", {"person": "bob", "lift": ["nodes", "node_hours"]})
    ask("DELETE", "/people/bob")


def _clusters(session: Session) -> None:
    ask = session.ask
    ask("PUT", "/clusters/cpu", {"max_nodes": 2, "cores_per_node": 1})
    ask("PATCH", "/clusters/cpu", {"max_nodes": 4})
    ask("GET", "/clusters/cpu")
    ask("GET", "/clusters")
    ask("PUT", "/clusters/small", {"max_nodes": 1, "cores_per_node": 1})
    ask("DELETE", "/clusters/small")


def _objects(session: Session) -> None:
    session.put_bytes(DATA)
    session.ask("POST", "/objects/missing", {"digests": [DIGEST, "0" * 64]})


def _runs(session: Session) -> None:
    mlflow = "/api/2.0/mlflow"
    made = session.ask("POST", f"{mlflow}/runs/create", {"experiment_id": "0", "run_name": "first"})
    run = made["run"]["info"]["run_id"]
    for step, value in enumerate((0.9, 0.4, 0.3)):
        point = {
            "run_id": run,
            "key": "loss",
            "value": value,
            "timestamp": 1_700_000_000_000 + step,
            "step": step,
        }
        session.ask("POST", f"{mlflow}/runs/log-metric", point)
    ask = session.ask
    ask("GET", "/runs?limit=1&filter=metrics.loss < 1&sort=metrics.loss".replace(" ", "%20"))
    ask("GET", f"/runs/{run}")
    ask("PATCH", f"/runs/{run}", {"name": "second try", "description": "with a smaller rate"})
    ask("PUT", f"/runs/{run}/tags", {"note": "keep"})
    ask("PUT", f"/runs/{run}/properties", {"author": "ada"})
    ask("DELETE", f'/runs/{run}/tags?keys=["note"]')
    ask("GET", f"/runs/{run}/metric-names")
    ask("GET", f"/runs/{run}/metrics")
    ask("GET", f"/runs/{run}/metric-ranges")
    ask("GET", f"/runs/{run}/chart?name=loss")
    ask("GET", f"/runs/{run}/charts?most=1")
    ask("GET", f"/runs/{run}/points?name=loss")
    ask("GET", f"/runs/{run}/files")
    ask("GET", f"/runs/{run}/details")
    ask("GET", f"/runs/{run}/logs")
    said = ask("POST", f"/runs/{run}/comments", {"text": "Looks good."})
    ask("GET", f"/runs/{run}/comments")
    ask("PATCH", f"/runs/{run}/comments/{said['id']}", {"text": "Looks better."})
    ask("DELETE", f"/runs/{run}/comments/{said['id']}")
    ask("POST", f"{mlflow}/runs/update", {"run_id": run, "status": "FINISHED", "end_time": 1_700_000_010_000})


def _models(session: Session) -> None:
    mlflow, ask = "/api/2.0/mlflow", session.ask
    ask("POST", f"{mlflow}/registered-models/create", {"name": "digits"})
    ask("POST", f"{mlflow}/model-versions/create", {"name": "digits", "source": "s3://models/digits"})
    ask("GET", "/model-names?empty=true")
    ask("GET", "/models")
    ask("GET", "/models/digits")
    ask("GET", "/models/digits/versions/1")
    ask("PATCH", "/models/digits/versions/1", {"add_tags": {"checked": "yes"}})
    ask("PUT", "/models/digits/aliases/champion", {"version": 1})
    ask("GET", "/models/digits/aliases/champion")
    ask("DELETE", "/models/digits/aliases/champion")
    ask("PUT", "/models/digits/versions/1/stage", {"stage": "Production"})
    ask("DELETE", "/models/digits/versions/1")


def _tidying(session: Session) -> None:
    ask = session.ask
    run = ask("GET", "/runs?limit=1")["runs"][0]["id"]
    deleted = ask("POST", "/deletions", {"runs": [run]})
    ask("GET", "/deletions")
    ask("POST", f"/deletions/{deleted['id']}/undo")
    ask("PUT", "/retention/logs", {"keeps": "logs", "days": 30})
    ask("GET", "/retention")
    ask("POST", "/retention/apply?dry_run=true")
    ask("DELETE", "/retention/logs")
    ask("POST", "/collections", {"dry_run": True})
    ask("GET", "/usage?largest=1")


def _lists(session: Session) -> None:
    for path in (
        "/datastores",
        "/file-datasets",
        "/environments",
        "/endpoints",
        "/nodes",
        "/traces",
    ):
        session.ask("GET", path)


def main(to: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock()
        with running(Path(folder), clock, settings=Shared.settings()) as server:
            shared = Shared(server, clock)
            found = record(shared)
            shared.close()
    to.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
