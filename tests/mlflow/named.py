"""What fields of requests can name: things that are there, and such as were deleted."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from msgspec import Struct

from faena.mlflow.fields import hints
from tests.mlflow.clients import Client

_DEEPEST = 6


class Named:
    """By field: `there` has one of each that is, `gone` one that was deleted, or archived."""

    def __init__(self, client: Client) -> None:
        self.there = self._made(client, "kept")
        self.gone = self._made(client, "gone")
        _delete(client, self.gone)

    def request(self, kind: type[Struct], *, gone: bool = False) -> dict[str, Any]:
        """With all that it has a field for."""
        return _filled(kind, {**self.there, **self.gone} if gone else self.there, 0)

    @staticmethod
    def _made(client: Client, word: str) -> dict[str, Any]:
        experiment = client.post(
            "experiments/create", name=f"experiment {word}", tags=[{"key": "t", "value": "v"}]
        )
        number = experiment["experiment_id"]
        run = client.new_run(**experiment)
        client.post("runs/log-metric", run_id=run, key="loss", value=1, timestamp=1, step=1)
        client.post("runs/log-parameter", run_id=run, key="lr", value="1")
        client.post("runs/set-tag", run_id=run, key="t", value="v")
        assert client.put_artifact(client.run(run), "net/MLmodel", b"flavors: {}").status == 200
        uri = client.run(run)["info"]["artifact_uri"]
        told = client.post("logged-models", experiment_id=number, name="net", source_run_id=run)["model"]
        client.post("registered-models/create", name=f"net {word}")
        client.post("model-versions/create", name=f"net {word}", source=f"{uri}/net", run_id=run)
        client.post("registered-models/alias", name=f"net {word}", alias="best", version="1")
        trace = client.post("traces", experiment_id=number, timestamp_ms=1)["trace_info"]["request_id"]
        return {
            **dict.fromkeys(("run_id", "run_uuid", "source_run_id"), run),
            **dict.fromkeys(("request_id", "trace_id"), trace),
            "run_ids": [run],
            "request_ids": [trace],
            "trace_ids": [trace],
            "experiment_id": number,
            "experiment_ids": [number],
            "experiment_name": f"experiment {word}",
            "model_id": told["info"]["model_id"],
            "name": f"net {word}",
            "new_name": f"net {word} anew",
            "version": "1",
            "alias": "best",
            "stage": "Staging",
            "source": f"{uri}/net",
            "artifact_uri": uri,
            **dict.fromkeys(("key", "tag_key"), "t"),
            "metric_key": "loss",
            "value": "1",
            "path": "net",
            **dict.fromkeys(("timestamp", "timestamp_ms", "step"), 2),
            "max_results": 5,
            "status": "FINISHED",
            "filter": None,
            "filter_string": None,
            "order_by": [],
            "page_token": None,
        }


def _delete(client: Client, named: dict[str, Any]) -> None:
    version = {"name": named["name"], "version": "1"}
    client.send("DELETE", f"logged-models/{named['model_id']}")
    client.post(
        "traces/delete-traces", experiment_id=named["experiment_id"], request_ids=named["request_ids"]
    )
    assert client.send("DELETE", "registered-models/alias", name=named["name"], alias="best").status == 200
    assert client.send("DELETE", "model-versions/delete", **version).status == 200
    assert client.send("DELETE", "registered-models/delete", name=named["name"]).status == 200
    client.post("runs/delete", run_id=named["run_id"])
    client.post("experiments/delete", experiment_id=named["experiment_id"])


def _filled(kind: type[Struct], named: dict[str, Any], depth: int) -> dict[str, Any]:
    return {
        name: named[name] if name in named else _of(hint, named, depth) for name, hint in hints(kind).items()
    }


def _of(hint: Any, named: dict[str, Any], depth: int) -> Any:
    """Something that the type takes."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _filled(hint, named, depth + 1) if depth < _DEEPEST else {}
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _of(parts[0], named, depth)
    if origin is list:
        return [_of(parts[0], named, depth)]
    if origin is dict:
        return {"t": _of(parts[1], named, depth)}
    if hasattr(hint, "__metadata__"):
        return _of(parts[0], named, depth)
    return {str: "1", int: 1, float: 1.0, bool: True}.get(hint)
