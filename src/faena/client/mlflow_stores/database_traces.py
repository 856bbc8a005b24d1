"""Traces of a database."""

from __future__ import annotations

from collections.abc import Iterator

from faena.client.mlflow_stores.folder_traces import LOCATION, SOURCE_RUN
from faena.client.mlflow_stores.reading import number, word
from faena.client.mlflow_stores.tables import Tables
from faena.mlflow.moving.schemas import TraceGiven

_INFO = ("request_id", "experiment_id", "timestamp_ms", "execution_time_ms", "status")


def read(tables: Tables) -> Iterator[tuple[TraceGiven, str]]:
    """Each with the address of its files."""
    for row in tables.rows("trace_info", _INFO):
        trace_id = word(row["request_id"])
        tags = _labels(tables, "trace_tags", trace_id)
        metadata = _labels(tables, "trace_request_metadata", trace_id)
        trace = TraceGiven(
            id=trace_id,
            experiment=word(row["experiment_id"]),
            began_ms=number(row["timestamp_ms"]) or 0,
            took_ms=number(row["execution_time_ms"]),
            status=word(row["status"]),
            run_id=metadata.get(SOURCE_RUN),
            tags=tags,
            metadata=metadata,
        )
        yield trace, tags.get(LOCATION, "")


def _labels(tables: Tables, table: str, trace_id: str) -> dict[str, str]:
    rows = tables.rows(table, ("key", "value"), "request_id = ?", (trace_id,))
    return {word(row["key"]): word(row["value"]) for row in rows}
