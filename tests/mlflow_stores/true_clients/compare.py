"""Tells everything that MLflow's client says of the first store's and is not so in the second's; exit code 1 then."""

from __future__ import annotations

import hashlib
import math
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

MODERN = int(mlflow.__version__.split(".")[0]) >= 3
NO_SETS = "no evaluation sets"
RECORD = ("dataset_record_id", "inputs", "outputs", "expectations", "tags", "source_type", "created_time")
Told = dict[tuple[str, ...], dict[str, Any]]


def tell(address: str) -> Told:
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    client = MlflowClient(address, address)
    experiments = client.search_experiments(view_type=ViewType.ALL)
    names = {each.experiment_id: each.name for each in experiments}
    found: Told = {}
    for each in experiments:
        found["experiment", each.name] = {"stage": each.lifecycle_stage, "tags": dict(each.tags)}
    for run in client.search_runs(list(names), run_view_type=ViewType.ALL, max_results=5000):
        found["run", run.info.run_id] = _run(client, run, names)
    if hasattr(client, "search_logged_models"):
        ids = [each.experiment_id for each in experiments if each.lifecycle_stage == "active"]
        for model in client.search_logged_models(ids):
            found["logged model", model.model_id] = _logged(model)
    for model in client.search_registered_models():
        found |= dict(_registered(client, model.name))
    for each in experiments:
        if each.lifecycle_stage == "active":
            where = {"locations" if MODERN else "experiment_ids": [each.experiment_id]}
            for trace in client.search_traces(**where, max_results=500):
                found["trace", getattr(trace.info, "trace_id", None) or trace.info.request_id] = _trace(trace)
    return found | (_evaluation_sets(names) if MODERN else {})


def _trace(trace: Any) -> dict[str, Any]:
    info, own = trace.info, ("mlflow.artifactLocation", "mlflow.trace.spansLocation")
    spans = [
        (
            *(span.name, span.span_type, span.start_time_ns, span.end_time_ns, str(span.status.status_code)),
            *(str(span.inputs), str(span.outputs), span.span_id, span.parent_id, len(span.events)),
            sorted((key, str(value)) for key, value in span.attributes.items()),
        )
        for span in trace.data.spans
    ]
    return {
        "is": (str(info.status), info.timestamp_ms, info.execution_time_ms),
        "tags": {key: value for key, value in info.tags.items() if key not in own},
        "metadata": dict(info.request_metadata),
        "spans": sorted(spans),
        "said": sorted(map(_said, info.assessments)) if MODERN else [],
    }


def _said(assessment: Any) -> str:
    """Whether an expectation is valid is told by a database alone, and not by a server."""
    told = assessment.to_dictionary()
    return str(told if "feedback" in told else {key: told[key] for key in told if key != "valid"})


def _evaluation_sets(names: dict[str, str]) -> Told:
    """None of a store that has none, such as a folder."""
    from mlflow.genai import datasets

    found: Told = {}
    try:
        sets = list(datasets.search_datasets())
    except mlflow.exceptions.MlflowException:
        return {(NO_SETS,): {}}
    for each in sets:
        records = each.to_df().to_dict("records")
        found["evaluation set", each.dataset_id] = {
            "is": (each.name, each.created_time, each.last_update_time, each.created_by, each.schema),
            "tags": dict(each.tags),
            "of": sorted(names[number] for number in each.experiment_ids),
            "records": sorted(str([record[name] for name in RECORD if name in record]) for record in records),
        }
    return found


def _run(client: MlflowClient, run: Any, names: dict[str, str]) -> dict[str, Any]:
    info, inputs, outputs = run.info, getattr(run, "inputs", None), getattr(run, "outputs", None)
    return {
        "of": names[info.experiment_id],
        "info": (
            info.run_name,
            info.status,
            info.start_time,
            info.end_time,
            info.user_id,
            info.lifecycle_stage,
        ),
        "params": dict(run.data.params),
        "tags": dict(run.data.tags),
        "metrics": {key: _plain(value) for key, value in run.data.metrics.items()},
        "histories": {
            key: sorted(
                (point.timestamp, point.step, str(_plain(point.value)))
                for point in client.get_metric_history(info.run_id, key)
            )
            for key in run.data.metrics
        },
        "data": sorted(
            (*_dataset(each.dataset), *sorted((tag.key, tag.value) for tag in each.tags))
            for each in (inputs.dataset_inputs if inputs else [])
        ),
        "read": sorted(each.model_id for each in getattr(inputs, "model_inputs", None) or []),
        "made": sorted(each.model_id for each in getattr(outputs, "model_outputs", None) or []),
        "files": _files(client, info.run_id) if info.lifecycle_stage == "active" else None,
    }


def _dataset(given: Any) -> tuple[Any, ...]:
    return given.name, given.digest, given.source_type, given.source, given.schema, given.profile


def _files(client: MlflowClient, run_id: str) -> dict[str, str]:
    if not client.list_artifacts(run_id):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(client.download_artifacts(run_id, "", folder))
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in root.rglob("*")
            if path.is_file()
        }


def _logged(model: Any) -> dict[str, Any]:
    metrics = [
        (each.key, each.value, each.step, each.timestamp, each.run_id or "", each.dataset_name or "")
        for each in model.metrics or []
    ]
    return {
        "is": (model.name, str(model.status), model.source_run_id, model.model_type or ""),
        "times": (model.creation_timestamp, model.last_updated_timestamp),
        "params": dict(model.params),
        "tags": dict(model.tags),
        "metrics": sorted(metrics),
    }


def _registered(client: MlflowClient, name: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    model = client.get_registered_model(name)
    aliases = {alias: str(version) for alias, version in getattr(model, "aliases", {}).items()}
    times = (model.creation_timestamp, model.last_updated_timestamp)
    told = {"tags": dict(model.tags), "aliases": aliases, "times": times}
    yield ("model", name), {**told, "description": model.description or ""}
    for found in client.search_model_versions(f"name='{name}'"):
        version = client.get_model_version(name, found.version)
        yield (
            ("version", name, str(version.version)),
            {
                "is": (version.source, version.run_id or "", version.current_stage, version.status),
                "times": (version.creation_timestamp, version.last_updated_timestamp),
                "description": version.description or "",
                "tags": dict(version.tags),
                "can be loaded": hasattr(
                    mlflow.sklearn.load_model(f"models:/{name}/{version.version}"), "predict"
                ),
            },
        )


def _plain(value: float) -> Any:
    return "nan" if math.isnan(value) else value


def main(first: str, second: str) -> int:
    warnings.simplefilter("ignore")
    there, here = tell(first), tell(second)
    differences = 0
    for key, told in there.items():
        if key[0] == "evaluation set" and (NO_SETS,) in here:
            continue  # they are files beside it
        for name, value in told.items():
            if here.get(key, {}).get(name) != value:
                differences += 1
                print(f"{key} {name}: {value!r:.300} there, {here.get(key, {}).get(name)!r:.300} here")
    print(f"{len(there)} things compared, {differences} differences")
    return 1 if differences or not there else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
