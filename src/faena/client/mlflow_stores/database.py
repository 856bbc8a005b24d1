"""A store that is a database, of any version of MLflow's schema: what columns there are is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from faena.client.mlflow_stores import database_evaluation, database_models, database_traces, numbers
from faena.client.mlflow_stores.connections import Connection
from faena.client.mlflow_stores.found import Files, Head, RunFound, StoreDamaged
from faena.client.mlflow_stores.places import Places
from faena.client.mlflow_stores.reading import number, word
from faena.client.mlflow_stores.tables import Tables
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

_NEEDED = ("experiments", "runs", "params", "tags", "metrics")
_UNTOLD = {
    "guardrails": "gateway guardrails",
    "scorers": "scorers",
    "webhooks": "webhooks",
    "endpoints": "gateway endpoints",
    "gateway_endpoints": "gateway endpoints",
    "secrets": "gateway secrets",
    "jobs": "jobs",
    "issues": "issues",
    "label_schemas": "label schemas",
    "review_queues": "review queues",
}
"""Tables of what has no counterpart here."""


class DatabaseStore:
    """`artifacts`: where a person says that artifacts are. Raises UserErrorException for another kind of database."""

    def __init__(self, connection: Connection, artifacts: Path | None = None) -> None:
        self._tables = Tables(connection)
        self.address = connection.address
        if lacking := [name for name in _NEEDED if name not in self._tables.known]:
            connection.close()
            raise UserErrorException(
                f"{connection.address} is no database of MLflow's: it has no table {lacking[0]!r}."
            )
        connection.prepare_metrics()
        self.places = Places(connection.base, artifacts)
        self._trouble: list[str] = []
        self._datasets: dict[str, DatasetGiven] | None = None

    def close(self) -> None:
        self._tables.connection.close()

    def experiments(self) -> list[ExperimentGiven]:
        tags: dict[str, dict[str, str]] = {}
        for row in self._tables.rows("experiment_tags", ("key", "value", "experiment_id")):
            tags.setdefault(word(row["experiment_id"]), {})[word(row["key"])] = word(row["value"])
        columns = ("experiment_id", "name", "lifecycle_stage", "creation_time", "last_update_time")
        return [
            ExperimentGiven(
                id=word(row["experiment_id"]),
                name=word(row["name"]),
                created_at=_micros(row["creation_time"]),
                changed_at=_micros(row["last_update_time"]),
                archived=row["lifecycle_stage"] == "deleted",
                tags=tags.get(word(row["experiment_id"]), {}),
            )
            for row in self._tables.rows("experiments", columns)
        ]

    def heads(self) -> list[Head]:
        return [
            Head(word(row["run_uuid"]), word(row["experiment_id"]), number(row["start_time"]) or 0)
            for row in self._tables.rows("runs", ("run_uuid", "experiment_id", "start_time"))
        ]

    def run(self, head: Head) -> RunFound:
        columns = (
            *(
                "name",
                "user_id",
                "status",
                "start_time",
                "end_time",
                "deleted_time",
                "lifecycle_stage",
                "artifact_uri",
            ),
            *("source_type", "source_name", "source_version", "entry_point_name"),
        )
        found = self._tables.rows("runs", columns, "run_uuid = ?", (head.id,))
        if not found:
            raise StoreDamaged("It went while it was read.")
        row = found[0]
        started, ended = number(row["start_time"]), number(row["end_time"])
        deleted = number(row["deleted_time"]) or ended or started or 0
        used, read, made = self._inputs(head.id)
        tags = self._labels("tags", head.id)
        run = RunGiven(
            id=head.id,
            experiment=head.experiment,
            status=word(row["status"]) or "RUNNING",
            started_ms=started,
            ended_ms=ended,
            archived_ms=deleted if row["lifecycle_stage"] == "deleted" else None,
            name=word(row["name"]) or None,
            user=word(row["user_id"]),
            params=self._labels("params", head.id),
            tags={**_source(row), **tags},
            metrics=self._metrics(head.id),
            datasets=used,
            read=read,
            made=made,
        )
        return RunFound(run, word(row["artifact_uri"]))

    def files(self, address: str, owner: str) -> AbstractContextManager[Files]:
        return self.places.files(address, owner)

    def logged_models(self) -> Iterator[tuple[LoggedModelGiven, str]]:
        yield from database_models.logged(self._tables)

    def models(self) -> Iterator[ModelGiven]:
        yield from database_models.registered(self._tables)

    def traces(self) -> Iterator[tuple[TraceGiven, str]]:
        yield from database_traces.read(self._tables)

    def evaluation_sets(self) -> Iterator[EvaluationSetGiven]:
        yield from database_evaluation.read(self._tables)

    def left_out(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for table, what in _UNTOLD.items():
            if count := self._tables.count(table):
                found[what] = found.get(what, 0) + count
        return found

    def trouble(self) -> list[str]:
        return self._trouble

    def _labels(self, table: str, run_id: str) -> dict[str, str]:
        rows = self._tables.connection.rows(f"SELECT key, value FROM {table} WHERE run_uuid = ?", (run_id,))
        return {word(key): word(value) for key, value in rows}

    def _metrics(self, run_id: str) -> dict[str, Points]:
        known = self._tables.known["metrics"]
        step, nan = ("step" if "step" in known else "0"), ("is_nan" if "is_nan" in known else "0")
        rows = self._tables.connection.rows(
            f"SELECT key, timestamp, value, {step}, {nan} FROM metrics WHERE run_uuid = ?", (run_id,)
        )
        by_key: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows:
            by_key.setdefault(row[0], []).append(row)
        found: dict[str, Points] = {}
        for key, points in by_key.items():
            points.sort(key=_by_time)
            _, times, values, steps, nans = zip(*points, strict=True)
            if any(nans):
                values = tuple(
                    float("nan") if nan else value for value, nan in zip(values, nans, strict=True)
                )
            try:
                found[key] = numbers.packed(times, values, steps)
            except (TypeError, OverflowError) as error:
                raise StoreDamaged(f"its metric {key[:80]!r} holds what is no number: {error}.") from error
        return found

    def _inputs(self, run_id: str) -> tuple[list[DatasetGiven], list[str], dict[str, int]]:
        used: list[DatasetGiven] = []
        read: list[str] = []
        made: dict[str, int] = {}
        columns = ("input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step")
        for row in self._tables.rows(
            "inputs", columns, "source_id = ? OR destination_id = ?", (run_id, run_id)
        ):
            match row["source_type"], row["destination_type"]:
                case "DATASET", "RUN":
                    if (found := self._dataset(row["source_id"])) is not None:
                        used.append(
                            DatasetGiven(
                                found.name,
                                found.digest,
                                found.source_type,
                                found.source,
                                found.schema,
                                found.profile,
                                self._input_tags(row["input_uuid"]),
                            )
                        )
                case "RUN_INPUT", "MODEL_INPUT":
                    read.append(word(row["destination_id"]))
                case "RUN_OUTPUT", "MODEL_OUTPUT":
                    made[word(row["destination_id"])] = number(row["step"]) or 0
        return used, read, made

    def _dataset(self, dataset_id: str) -> DatasetGiven | None:
        if self._datasets is None:
            self._datasets = {}
        if dataset_id not in self._datasets:
            columns = ("name", "digest", "dataset_source_type", "dataset_source")
            texts = ("dataset_schema", "dataset_profile")
            for row in self._tables.rows("datasets", (*columns, *texts), "dataset_uuid = ?", (dataset_id,)):
                name, digest, source_type, source = (word(row[column]) for column in columns)
                schema, profile = (row[column] for column in texts)
                self._datasets[dataset_id] = DatasetGiven(name, digest, source_type, source, schema, profile)
        return self._datasets.get(dataset_id)

    def _input_tags(self, input_id: str) -> dict[str, str]:
        rows = self._tables.rows("input_tags", ("name", "value"), "input_uuid = ?", (input_id,))
        return {word(row["name"]): word(row["value"]) for row in rows}


def _by_time(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[1], row[3]


def _source(row: dict[str, Any]) -> dict[str, str]:
    """What the first versions kept in columns of their own, under the tags of later ones."""
    if row["source_type"] in (None, "UNKNOWN") or not row["source_name"]:
        return {}
    told = {
        "mlflow.source.type": word(row["source_type"]),
        "mlflow.source.name": word(row["source_name"]),
        "mlflow.source.git.commit": word(row["source_version"]),
        "mlflow.project.entryPoint": word(row["entry_point_name"]),
    }
    return {key: value for key, value in told.items() if value}


def _micros(at_ms: Any) -> int | None:
    found = number(at_ms)
    return found * 1000 if found is not None and 0 <= found < 2**63 // 1000 else None
