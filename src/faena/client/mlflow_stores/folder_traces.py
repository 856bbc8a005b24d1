"""Traces of a folder store, as the second and the third version of MLflow's protocol tell of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from faena.client.mlflow_stores import reading
from faena.client.mlflow_stores.reading import number, word
from faena.mlflow.moving.schemas import TraceGiven

SOURCE_RUN = "mlflow.sourceRun"
LOCATION = "mlflow.artifactLocation"
_INFO = "trace_info.yaml"


def read(experiment: str, folder: Path) -> tuple[TraceGiven, str]:
    """Raises StoreDamaged."""
    meta = reading.meta(folder, name=_INFO)
    tags, metadata = reading.texts(folder / "tags"), reading.texts(folder / "request_metadata")
    began = number(meta.get("timestamp_ms"))
    if began is None:
        began = milliseconds(meta.get("request_time"))
    took = number(meta.get("execution_time_ms"))
    if took is None:
        took = number(meta.get("execution_duration_ms"))
    if took is None:
        took = duration(meta.get("execution_duration"))
    trace = TraceGiven(
        id=folder.name,
        experiment=experiment,
        began_ms=began or 0,
        took_ms=took,
        status=word(meta.get("status") or meta.get("state")),
        run_id=metadata.get(SOURCE_RUN),
        tags=tags,
        metadata=metadata,
        request=_or_none(meta.get("request_preview")),
        response=_or_none(meta.get("response_preview")),
        client_request_id=_or_none(meta.get("client_request_id")),
        assessments=[
            _assessment(folder / "assessments", name) for name, _ in reading.files(folder / "assessments")
        ],
    )
    own = folder / "artifacts"
    return trace, str(own) if own.is_dir() else tags.get(LOCATION, "")


def _assessment(folder: Path, name: str) -> dict[str, Any]:
    """In the words of the protocol, which are those of the file; times may be read as such."""
    found = dict(reading.meta(folder, name=name))
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in found.items()}


def _or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def milliseconds(told: Any) -> int | None:
    """Of a time in ISO 8601, as text or as YAML reads it."""
    try:
        at = told if isinstance(told, datetime) else datetime.fromisoformat(word(told))
        return round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def duration(told: Any) -> int | None:
    """Of seconds such as `1.25s`, in milliseconds."""
    try:
        return round(float(word(told).removesuffix("s")) * 1000) if told is not None else None
    except (ValueError, OverflowError):
        return None
