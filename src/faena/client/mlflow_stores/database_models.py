"""Models of a database: those that runs logged, and those that are registered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from faena.client.mlflow_stores.folder_models import DELETED, state
from faena.client.mlflow_stores.reading import number, word
from faena.client.mlflow_stores.tables import Tables
from faena.mlflow.moving.schemas import LoggedModelGiven, ModelGiven, ModelMetricGiven, VersionGiven

_LOGGED = (
    *(
        "model_id",
        "experiment_id",
        "name",
        "artifact_location",
        "creation_timestamp_ms",
        "last_updated_timestamp_ms",
    ),
    *("status", "lifecycle_stage", "model_type", "source_run_id", "status_message"),
)
_METRIC = (
    *(
        "run_id",
        "metric_name",
        "metric_value",
        "metric_timestamp_ms",
        "metric_step",
        "dataset_name",
        "dataset_digest",
    ),
)
_MODEL = ("name", "creation_time", "last_updated_time", "description")
_VERSION = (
    *("name", "version", "creation_time", "last_updated_time", "description", "current_stage", "source"),
    *("storage_location", "run_id", "run_link", "status"),
)


def logged(tables: Tables) -> Iterator[tuple[LoggedModelGiven, str]]:
    """Each with the address of its files."""
    for row in tables.rows("logged_models", _LOGGED):
        model_id = word(row["model_id"])
        created = number(row["creation_timestamp_ms"]) or 0
        model = LoggedModelGiven(
            id=model_id,
            experiment=word(row["experiment_id"]),
            name=word(row["name"]),
            status=state(row["status"]),
            created_ms=created,
            changed_ms=number(row["last_updated_timestamp_ms"]) or created,
            run_id=word(row["source_run_id"]) or None,
            kind=word(row["model_type"]),
            message=word(row["status_message"]),
            params=_labels(tables, "logged_model_params", ("param_key", "param_value"), model_id),
            tags=_labels(tables, "logged_model_tags", ("tag_key", "tag_value"), model_id),
            metrics=[
                ModelMetricGiven(
                    run_id=word(each["run_id"]),
                    name=word(each["metric_name"]),
                    value=float("nan") if each["metric_value"] is None else float(each["metric_value"]),
                    time_ms=number(each["metric_timestamp_ms"]) or 0,
                    step=number(each["metric_step"]) or 0,
                    dataset=word(each["dataset_name"]),
                    dataset_digest=word(each["dataset_digest"]),
                )
                for each in tables.rows("logged_model_metrics", _METRIC, "model_id = ?", (model_id,))
            ],
            deleted=row["lifecycle_stage"] == "deleted",
        )
        yield model, word(row["artifact_location"])


def _labels(tables: Tables, table: str, columns: tuple[str, str], model_id: str) -> dict[str, str]:
    rows = tables.rows(table, columns, "model_id = ?", (model_id,))
    return {word(row[columns[0]]): word(row[columns[1]]) for row in rows}


def registered(tables: Tables) -> Iterator[ModelGiven]:
    tags = _by_name(tables, "registered_model_tags", ("name", "key", "value"))
    aliases = _by_name(tables, "registered_model_aliases", ("name", "alias", "version"))
    version_tags = _by_name(tables, "model_version_tags", ("name", "version", "key", "value"))
    versions: dict[str, list[VersionGiven]] = defaultdict(list)
    for row in tables.rows("model_versions", _VERSION):
        labels = {
            word(each["key"]): word(each["value"])
            for each in version_tags[word(row["name"])]
            if each["version"] == row["version"]
        }
        versions[word(row["name"])].append(_version(row, labels))
    for row in tables.rows("registered_models", _MODEL):
        name = word(row["name"])
        created = number(row["creation_time"]) or 0
        yield ModelGiven(
            name=name,
            created_ms=created,
            changed_ms=number(row["last_updated_time"]) or created,
            description=word(row["description"]),
            tags={word(each["key"]): word(each["value"]) for each in tags[name]},
            aliases={word(each["alias"]): number(each["version"]) or 0 for each in aliases[name]},
            versions=sorted(versions[name], key=lambda each: each.version),
        )


def _by_name(tables: Tables, table: str, columns: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tables.rows(table, columns):
        found[word(row["name"])].append(row)
    return found


def _version(row: dict[str, Any], tags: dict[str, str]) -> VersionGiven:
    created = number(row["creation_time"]) or 0
    stage = word(row["current_stage"])
    return VersionGiven(
        version=number(row["version"]) or 0,
        created_ms=created,
        changed_ms=number(row["last_updated_time"]) or created,
        description=word(row["description"]),
        stage=stage,
        source=word(row["source"]),
        storage=word(row["storage_location"]),
        run_id=word(row["run_id"]) or None,
        run_link=word(row["run_link"]),
        status=word(row["status"]) or "READY",
        tags=tags,
        deleted=stage == DELETED,
    )
