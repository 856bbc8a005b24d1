"""Small stores as MLflow lays them out, written by hand: folders and SQLite databases."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from faena import Workspace

BEGAN = 1_700_000_000_000
"""Milliseconds."""


def new_id() -> str:
    return uuid.uuid4().hex


def new_number() -> str:
    """Of an experiment, such as a folder store gives."""
    return str(100_000_000_000_000_000 + uuid.uuid4().int % 800_000_000_000_000_000)


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_meta(folder: Path, values: Mapping[str, Any], name: str = "meta.yaml") -> None:
    write(folder / name, yaml.safe_dump(dict(values)))


@dataclass
class FolderOfMlflow:
    root: Path
    name: str = field(default_factory=lambda: f"experiment {new_id()[:8]}")
    number: str = field(default_factory=new_number)

    def __post_init__(self) -> None:
        meta: dict[str, Any] = {"experiment_id": self.number, "name": self.name, "lifecycle_stage": "active"}
        meta |= {
            "artifact_location": f"file:///gone/{self.number}",
            "creation_time": BEGAN,
            "last_update_time": BEGAN,
        }
        write_meta(self.folder, meta)

    @property
    def folder(self) -> Path:
        return self.root / self.number

    def run(
        self,
        *,
        run_id: str | None = None,
        metrics: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
        **meta: Any,
    ) -> str:
        """`metrics`: the lines of each one's file."""
        run_id = run_id or new_id()
        folder = self.folder / run_id
        told = {
            "run_id": run_id,
            "run_uuid": run_id,
            "experiment_id": self.number,
            "run_name": f"run {run_id[:4]}",
            "status": 3,
            "start_time": BEGAN,
            "end_time": BEGAN + 5000,
            "lifecycle_stage": "active",
            "user_id": "ann",
            "artifact_uri": f"file:///gone/{self.number}/{run_id}/artifacts",
            "tags": [],
        }
        write_meta(folder, {**told, **meta})
        (folder / "artifacts").mkdir()
        for kind, given in (("metrics", metrics), ("params", params), ("tags", tags)):
            for name, text in (given or {}).items():
                write(folder / kind / name, text)
        for path, data in (files or {}).items():
            write(folder / "artifacts" / path, data)
        return run_id

    def version(self, model: str, version: int, **meta: Any) -> None:
        told = {
            "name": model,
            "version": version,
            "creation_timestamp": BEGAN,
            "last_updated_timestamp": BEGAN,
        }
        told |= {"current_stage": "None", "status": "READY", "run_id": "", "source": ""}
        write_meta(self.root / "models" / model / f"version-{version}", {**told, **meta})

    def model(self, model: str, **meta: Any) -> None:
        told = {"name": model, "creation_timestamp": BEGAN, "last_updated_timestamp": BEGAN}
        write_meta(self.root / "models" / model, {**told, **meta})


TABLES = {
    "experiments": "experiment_id INTEGER PRIMARY KEY, name, artifact_location, lifecycle_stage, creation_time, "
    "last_update_time",
    "experiment_tags": "key, value, experiment_id",
    "runs": "run_uuid PRIMARY KEY, name, source_type, source_name, entry_point_name, user_id, status, start_time, "
    "end_time, deleted_time, source_version, lifecycle_stage, artifact_uri, experiment_id",
    "metrics": "key, value, timestamp, run_uuid, step, is_nan",
    "params": "key, value, run_uuid",
    "tags": "key, value, run_uuid",
    "datasets": "dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source, dataset_schema, "
    "dataset_profile",
    "inputs": "input_uuid, source_type, source_id, destination_type, destination_id, step",
    "input_tags": "input_uuid, name, value",
    "registered_models": "name, creation_time, last_updated_time, description",
    "registered_model_tags": "key, value, name",
    "registered_model_aliases": "alias, version, name",
    "model_versions": "name, version, creation_time, last_updated_time, description, user_id, current_stage, source, "
    "storage_location, run_id, run_link, status, status_message",
    "model_version_tags": "key, value, name, version",
    "logged_models": "model_id, experiment_id, name, artifact_location, creation_timestamp_ms, "
    "last_updated_timestamp_ms, status, lifecycle_stage, model_type, source_run_id, status_message",
    "logged_model_params": "model_id, experiment_id, param_key, param_value",
    "logged_model_tags": "model_id, experiment_id, tag_key, tag_value",
    "logged_model_metrics": "model_id, metric_name, metric_timestamp_ms, metric_step, metric_value, experiment_id, "
    "run_id, dataset_uuid, dataset_name, dataset_digest",
    "trace_info": "request_id, experiment_id, timestamp_ms, execution_time_ms, status, trace_name, session_id, "
    "input_tokens, request_preview",
    "trace_tags": "key, value, request_id",
    "trace_request_metadata": "key, value, request_id",
    "spans": "trace_id, content",
    "assessments": "assessment_id, trace_id, name, assessment_type, value, created_timestamp, last_updated_timestamp, "
    "source_type, source_id, rationale, valid",
    "evaluation_datasets": "dataset_id, name, schema, profile, digest, created_time, last_update_time, created_by, "
    "last_updated_by",
    "evaluation_dataset_tags": "dataset_id, key, value",
    "evaluation_dataset_records": "dataset_record_id, dataset_id, inputs, outputs, expectations, tags, source, "
    "source_id, source_type, created_time, last_update_time, created_by, last_updated_by, input_hash",
    "entity_associations": "association_id, source_type, source_id, destination_type, destination_id, created_time",
    "webhooks": "webhook_id",
}
"""Of today's schema, those that are read, and one that is not."""
FIRST = ("experiments", "runs", "metrics", "params", "tags")
"""What the first version of the schema had."""


class DatabaseOfMlflow:
    def __init__(self, path: Path, tables: Sequence[str] = tuple(TABLES), **columns: str) -> None:
        """`columns`: of a table whose columns are others."""
        self.url = f"sqlite:///{path}"
        self._connection = sqlite3.connect(path, isolation_level=None)
        for name in tables:
            self._connection.execute(f"CREATE TABLE {name} ({columns.get(name, TABLES[name])})")

    def add(self, table: str, **values: Any) -> None:
        marks = ", ".join("?" * len(values))
        names = ", ".join(f'"{name}"' for name in values)
        self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))

    def close(self) -> None:
        self._connection.close()


def told(workspace: Workspace, path: str, **asked: str) -> Any:
    """What an MLflow client is told."""
    return workspace.api.transport.json("GET", f"/api/2.0/mlflow/{path}?{urlencode(asked)}")


def run_of(workspace: Workspace, run_id: str) -> Any:
    return told(workspace, "runs/get", run_id=run_id)["run"]


def history_of(workspace: Workspace, run_id: str, key: str) -> list[tuple[int, int, Any]]:
    found = told(workspace, "metrics/get-history", run_id=run_id, metric_key=key).get("metrics", [])
    return [(each["timestamp"], each["step"], each["value"]) for each in found]


def as_mapping(pairs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in pairs}
