"""A store behind a server that speaks MLflow's protocol, an MLflow or a Faena."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from faena.client.mlflow_stores import server_evaluation, server_models, server_traces
from faena.client.mlflow_stores.found import Files, Head, RunFound
from faena.client.mlflow_stores.pages import API, pages, pairs
from faena.client.mlflow_stores.reading import number, word
from faena.client.mlflow_stores.requests import HttpRequests, OwnRequests, Refused, Requests
from faena.client.mlflow_stores.server_files import ServerFiles
from faena.client.mlflow_stores.server_histories import history
from faena.kernel.errors import UserErrorException
from faena.mlflow.moving.schemas import (
    DatasetGiven,
    EvaluationSetGiven,
    ExperimentGiven,
    LoggedModelGiven,
    ModelGiven,
    Points,
    RunGiven,
    TraceGiven,
)

_TOGETHER = 8
"""Histories that are asked for at once."""
_PAGE = 1000
_EXPERIMENTS = 50
"""Whose runs are asked for in one go."""


class ServerStore:
    """Raises UserErrorException for a server that does not speak MLflow's protocol."""

    def __init__(self, source: str | Requests) -> None:
        self._requests = HttpRequests(source) if isinstance(source, str) else source
        self.address = self._requests.address
        self._runs: dict[str, bytes] = {}
        """As they were told, JSON, until they are read."""
        self._threads = ThreadPoolExecutor(_TOGETHER, thread_name_prefix="history")
        self._files = ServerFiles(self._requests)
        self._trouble: list[str] = []
        try:
            self._experiments = list(self._find())
        except BaseException as error:
            self.close()
            if not isinstance(error, Refused):
                raise
            raise UserErrorException(
                f"{error.message}. Is that MLflow's address, such as 'http://localhost:5000'?"
            ) from error

    def close(self) -> None:
        self._threads.shutdown()
        self._requests.close()

    def experiments(self) -> list[ExperimentGiven]:
        return self._experiments

    def heads(self) -> list[Head]:
        found: list[Head] = []
        ids = [experiment.id for experiment in self._experiments]
        for start in range(0, len(ids), _EXPERIMENTS):
            asked = {"experiment_ids": ids[start : start + _EXPERIMENTS], "run_view_type": "ALL"}
            for run in pages(self._requests, "runs/search", {**asked, "max_results": _PAGE}, "runs"):
                info = run["info"]
                run_id = word(info.get("run_id") or info.get("run_uuid"))
                self._runs[run_id] = msgspec.msgpack.encode(run)
                found.append(
                    Head(run_id, word(info.get("experiment_id")), number(info.get("start_time")) or 0)
                )
        return found

    def run(self, head: Head) -> RunFound:
        told = msgspec.msgpack.decode(self._runs.pop(head.id))
        info, data = told["info"], told.get("data", {})
        keys = [word(metric["key"]) for metric in data.get("metrics", ())]
        histories = self._histories(head.id, keys)
        used, read, made = _uses(told)
        started, ended = number(info.get("start_time")), number(info.get("end_time"))
        is_deleted = info.get("lifecycle_stage") == "deleted"
        run = RunGiven(
            id=head.id,
            experiment=head.experiment,
            status=word(info.get("status")) or "RUNNING",
            started_ms=started,
            ended_ms=ended,
            archived_ms=(ended or started or 0) if is_deleted else None,
            name=word(info.get("run_name")) or None,
            user=word(info.get("user_id")),
            params=pairs(data.get("params")),
            tags=pairs(data.get("tags")),
            metrics={key: points for key, points in histories.items() if points.count},
            datasets=used,
            read=read,
            made=made,
        )
        return RunFound(run, word(info.get("artifact_uri")))

    def _histories(self, run_id: str, keys: list[str]) -> dict[str, Points]:
        there = self._requests.histories(run_id) if isinstance(self._requests, OwnRequests) else {}
        asked = [key for key in keys if key not in there]
        found = self._threads.map(lambda key: history(self._requests, run_id, key), asked)
        told = dict(zip(asked, found, strict=True))
        return {key: there[key] if key in there else told[key] for key in keys}

    @contextmanager
    def files(self, address: str, owner: str) -> Iterator[Files]:
        with tempfile.TemporaryDirectory(prefix="faena-mlflow-") as folder:
            yield self._files.below(address, owner, Path(folder))

    def logged_models(self) -> Iterator[tuple[LoggedModelGiven, str]]:
        yield from server_models.logged(
            self._requests, [each.id for each in self._experiments if not each.archived]
        )

    def models(self) -> Iterator[ModelGiven]:
        yield from server_models.registered(self._requests)

    def version_address(self, name: str, version: int) -> str:
        """Where a client finds a version's files."""
        asked = {"name": name, "version": version}
        told = msgspec.json.decode(self._requests.get(f"{API}model-versions/get-download-uri", asked))
        return word(told.get("artifact_uri"))

    def traces(self) -> Iterator[tuple[TraceGiven, str]]:
        yield from server_traces.read(self._requests, [each.id for each in self._experiments])

    def evaluation_sets(self) -> Iterator[EvaluationSetGiven]:
        yield from server_evaluation.read(self._requests)

    def left_out(self) -> dict[str, int]:
        return {}

    def trouble(self) -> list[str]:
        return self._trouble

    def _find(self) -> Iterator[ExperimentGiven]:
        asked = {"view_type": "ALL", "max_results": _PAGE}
        for told in pages(self._requests, "experiments/search", asked, "experiments"):
            yield ExperimentGiven(
                id=word(told.get("experiment_id")),
                name=word(told.get("name")),
                created_at=_micros(told.get("creation_time")),
                changed_at=_micros(told.get("last_update_time")),
                archived=told.get("lifecycle_stage") == "deleted",
                tags=pairs(told.get("tags")),
            )


def _uses(told: dict[str, Any]) -> tuple[list[DatasetGiven], list[str], dict[str, int]]:
    inputs, outputs = told.get("inputs") or {}, told.get("outputs") or {}
    used = []
    for each in inputs.get("dataset_inputs") or ():
        dataset = each.get("dataset") or {}
        name, digest, source_type, source = (
            word(dataset.get(name)) for name in ("name", "digest", "source_type", "source")
        )
        schema, profile = dataset.get("schema"), dataset.get("profile")
        tags = pairs(each.get("tags"))
        used.append(DatasetGiven(name, digest, source_type, source, schema, profile, tags))
    read = [word(each.get("model_id")) for each in inputs.get("model_inputs") or ()]
    made = {
        word(each.get("model_id")): number(each.get("step")) or 0
        for each in outputs.get("model_outputs") or ()
    }
    return used, read, made


def _micros(told: Any) -> int | None:
    at_ms = number(told)
    return at_ms * 1000 if at_ms is not None and 0 < at_ms < 2**63 // 1000 else None
