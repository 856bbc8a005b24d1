"""Traces of a database, with their spans and assessments."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from faena import Workspace
from faena.client.mlflow_stores.report import Counts
from tests.mlflow_stores.stores import BEGAN, DatabaseOfMlflow, new_id


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def test_traces_with_spans_and_what_was_said_of_them(workspace: Workspace, tmp_path: Path) -> None:
    database = DatabaseOfMlflow(tmp_path / "mlflow.db")
    mark = new_id()
    trace, parent = f"tr-{mark}", new_id()[:16]
    database.add("experiments", experiment_id=3, name=f"e {mark}", lifecycle_stage="active")
    told_of = {"trace_name": "ask", "session_id": "s1", "input_tokens": 5, "request_preview": "hi"}
    database.add(
        "trace_info",
        request_id=trace,
        experiment_id=3,
        timestamp_ms=BEGAN,
        execution_time_ms=7,
        status="ERROR",
        **told_of,
    )
    span: dict[str, Any] = {
        "trace_id": _packed(mark),
        "span_id": _packed(parent),
        "parent_span_id": None,
        "name": "ask",
        "events": [],
    }
    span |= {
        "start_time_unix_nano": BEGAN * 10**6,
        "end_time_unix_nano": BEGAN * 10**6 + 1,
        "status": {"code": "STATUS_CODE_ERROR"},
    }
    span["attributes"] = {"mlflow.spanType": '"LLM"', "n": "[1, 2.5, null, true]", "plain": "not json"}
    for content in (json.dumps(span), "{", json.dumps({**span, "trace_id": _packed(new_id())})):
        database.add("spans", trace_id=trace, content=content)
    said = {
        "trace_id": trace,
        "created_timestamp": BEGAN,
        "last_updated_timestamp": BEGAN,
        "source_type": "HUMAN",
        "valid": 1,
    }
    database.add(
        "assessments", assessment_id="a-1", name="good", assessment_type="feedback", value="0.75", **said
    )
    database.add(
        "assessments",
        assessment_id="a-2",
        name="answer",
        assessment_type="expectation",
        value='{"a": 1}',
        **said,
    )
    database.close()
    assert workspace.import_mlflow(database.url, dry_run=True).traces == Counts(there=1, new=1)
    report = workspace.import_mlflow(database.url)
    assert report.traces == Counts(there=1, new=1)
    told = [
        note.about for note in report.notes if not note.about.startswith("experiment")
    ]  # its number is taken
    assert told == [f"trace {trace}"] * 2
    found = workspace.api.transport.json("GET", f"/api/3.0/mlflow/traces/get?trace_id={trace}")["trace"]
    info = found["trace_info"]
    assert (info["state"], info["request_preview"], info["tags"]["mlflow.traceName"]) == (
        "ERROR",
        "hi",
        "ask",
    )
    metadata = info["trace_metadata"]
    assert (metadata["mlflow.trace.session"], metadata["mlflow.trace.tokenUsage"]) == (
        "s1",
        '{"input_tokens": 5}',
    )
    assert [(each["assessment_id"], each["assessment_name"]) for each in info["assessments"]] == [
        ("a-1", "good"),
        ("a-2", "answer"),
    ]
    [kept] = found["spans"]
    attributes = {each["key"]: each["value"] for each in kept["attributes"]}
    assert attributes["plain"] == {"string_value": "not json"}
    assert attributes["n"]["array_value"]["values"] == [
        {"int_value": "1"},
        {"double_value": 2.5},
        {},
        {"bool_value": True},
    ]
    assert workspace.import_mlflow(database.url).traces == Counts(there=1, here=1)


def _packed(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()
