"""Traces of a database, with their spans and assessments, where the schema has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from faena.client.mlflow_stores.folder_traces import LOCATION, SOURCE_RUN
from faena.client.mlflow_stores.reading import number, word
from faena.client.mlflow_stores.tables import Tables
from faena.mlflow.moving.schemas import TraceGiven

_INFO = (
    *("request_id", "experiment_id", "timestamp_ms", "execution_time_ms", "status"),
    *("client_request_id", "request_preview", "response_preview", "trace_name", "session_id"),
)
_TOKENS = (
    *(
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
    ),
    "cache_creation_input_tokens_above_1hr",
)
_COSTS = ("input_cost", "output_cost", "total_cost")
_ASSESSMENT = (
    *(
        "assessment_id",
        "name",
        "assessment_type",
        "value",
        "error",
        "created_timestamp",
        "last_updated_timestamp",
    ),
    *("source_type", "source_id", "span_id", "rationale", "overrides", "valid", "assessment_metadata"),
)


def read(tables: Tables) -> Iterator[tuple[TraceGiven, str]]:
    """Each with the address of its files."""
    for row in tables.rows("trace_info", (*_INFO, *_TOKENS, *_COSTS)):
        trace_id = word(row["request_id"])
        tags = _labels(tables, "trace_tags", trace_id) | _columns(row, {"mlflow.traceName": "trace_name"})
        metadata = _labels(tables, "trace_request_metadata", trace_id) | _facts(row)
        trace = TraceGiven(
            id=trace_id,
            experiment=word(row["experiment_id"]),
            began_ms=number(row["timestamp_ms"]) or 0,
            took_ms=number(row["execution_time_ms"]),
            status=word(row["status"]),
            run_id=metadata.get(SOURCE_RUN),
            tags=tags,
            metadata=metadata,
            request=row["request_preview"],
            response=row["response_preview"],
            client_request_id=row["client_request_id"],
            spans=[
                word(each["content"])
                for each in tables.rows("spans", ("content",), "trace_id = ?", (trace_id,))
            ],
            assessments=[
                _assessment(each)
                for each in tables.rows("assessments", _ASSESSMENT, "trace_id = ?", (trace_id,))
            ],
        )
        yield trace, tags.get(LOCATION, "")


def _facts(row: dict[str, Any]) -> dict[str, str]:
    """Metadata that later versions of the schema have in columns of its own."""
    found = _columns(row, {"mlflow.trace.session": "session_id"})
    for key, names in (("mlflow.trace.tokenUsage", _TOKENS), ("mlflow.trace.cost", _COSTS)):
        if told := {name: row[name] for name in names if row[name] is not None}:
            found[key] = json.dumps(told)
    return found


def _columns(row: dict[str, Any], wanted: dict[str, str]) -> dict[str, str]:
    return {key: word(row[name]) for key, name in wanted.items() if row[name] is not None}


def _labels(tables: Tables, table: str, trace_id: str) -> dict[str, str]:
    rows = tables.rows(table, ("key", "value"), "request_id = ?", (trace_id,))
    return {word(row["key"]): word(row["value"]) for row in rows}


def _assessment(row: dict[str, Any]) -> dict[str, Any]:
    """In the words of the protocol."""
    value, error, metadata = (_decoded(row[name]) for name in ("value", "error", "assessment_metadata"))
    said: dict[str, Any]
    match row["assessment_type"]:
        case "expectation":
            said = {"expectation": {"value": value}}
        case "issue":
            said = {"issue": {"issue_name": word(row["name"])}}
        case _:
            said = {"feedback": {"value": value, "error": error}}
    return {
        **said,
        "assessment_id": row["assessment_id"],
        "assessment_name": row["name"],
        "create_time": _time(row["created_timestamp"]),
        "last_update_time": _time(row["last_updated_timestamp"]),
        "source": {"source_type": row["source_type"], "source_id": row["source_id"]},
        "span_id": row["span_id"],
        "rationale": row["rationale"],
        "overrides": row["overrides"],
        "valid": bool(row["valid"]),
        "metadata": {key: word(value) for key, value in metadata.items()}
        if isinstance(metadata, dict)
        else {},
    }


def _decoded(text: Any) -> Any:
    try:
        return None if text is None else json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return text


def _time(told: Any) -> str | None:
    try:
        at = datetime.fromtimestamp((number(told) or 0) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
