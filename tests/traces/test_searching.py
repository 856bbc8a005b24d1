"""Traces, what was said of them, and evaluation sets are kept and found the same way by both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faena.db import Database, Read, Write
from faena.mlflow.filters import evaluation_sets as set_filters
from faena.mlflow.filters import traces as filters
from faena.traces import assessing, recording, service, span_store, store
from faena.traces.evaluation_sets import service as sets
from faena.traces.evaluation_sets import store as set_store
from faena.traces.evaluation_sets.model import Told
from faena.traces.model import Assessment, Span, SpanStatus, Trace, TraceStatus, Verdict
from tests.databases import Databases

TOLD = '{"name":"ask","attributes":[{"key":"model","value":{"string_value":"net-4"}}],"text":"say \\"hi\\""}'


def span(trace_id: str, number: int, parent: int | None = None, **more: Any) -> Span:
    above = None if parent is None else f"{parent:016x}"
    values = {
        "name": "ask",
        "began_ns": 10**15,
        "ended_ns": 10**15 + 10**9,
        "status": SpanStatus.OK,
        "told": TOLD,
    }
    return Span(
        **{"id": f"{number:016x}", "trace_id": trace_id, "parent_id": above, "kind": "LLM", **values, **more}
    )


def kept(database: Database) -> None:
    def work(write: Write) -> None:
        facts = {"tr-a": recording.Facts(tags={"team": "a"}, metadata={"m": "x"}, request="q")}
        recording.add_spans(write, [span("tr-a", 2, 1), span("tr-a", 1)], facts, 0, "run_1")
        recording.add_spans(write, [span("tr-a", 2, 1, name="asked again")], facts, 0)
        service.tell(
            write, Trace("tr-b", 0, 10**12, ended_at=10**12 + 5, status=TraceStatus.FAILED, is_whole=True)
        )
        service.link(write, ["tr-b", "tr-none"], "run_2")
        for number, value in enumerate((0.9, "fine", {"deep": [None]})):
            assessing.add(
                write, Assessment(f"a-{number}", "tr-b", f"s{number}", Verdict.FEEDBACK, value, 5, 5)
            )

    database.submit_write(work).result()


def test_traces(databases: Databases, tmp_path: Path) -> None:
    database = databases.open(tmp_path / "faena.db")
    kept(database)

    def found(text: str, *order: str) -> list[str]:
        where, by = filters.conditions(text), filters.orders(order)
        return [
            each.id for each in database.submit_read(lambda read: store.find(read, where, by, 0, 10)).result()
        ]

    assert found("", "timestamp_ms ASC", "name", "tag.team") == ["tr-a", "tr-b"]
    for text in (
        "status = 'OK'",
        "span.type = 'LLM' AND span.name = 'asked again'",
        "span.attributes.model = 'net-4' AND span.status = 'OK'",
        "span.attributes.model ILIKE 'NET%'",
        "trace.text LIKE '%say \"hi\"%'",
        "trace.text ILIKE '%SAY \"HI\"%'",
        "run_id = 'run_1'",
        "tag.team = 'a' AND metadata.m LIKE 'x%'",
        "execution_time_ms >= 1000 AND end_time_ms > 0 AND timestamp_ms > 0",
        "feedback.s0 IS NULL",
    ):
        assert found(text) == ["tr-a"], text
    for text in ("run_id = 'run_2'", "feedback.s0 > 0.5", "feedback.s1 = 'fine'", "feedback.s2 IS NOT NULL"):
        assert found(text) == ["tr-b"], text

    def read_all(read: Read) -> tuple[Trace, Trace, list[Span]]:
        first, second = service.get_each(read, ["tr-a", "tr-b"])
        return first, second, span_store.of_traces(read, ["tr-a"])["tr-a"]

    first, second, spans = database.submit_read(read_all).result()
    assert (first.run_id, first.request, first.status) == ("run_1", "q", TraceStatus.OK)
    assert [each.name for each in spans] == ["ask", "asked again"]
    assert [each.value for each in second.assessments] == [0.9, "fine", {"deep": [None]}]
    gone = database.submit_write(lambda write: service.delete(write, 0, ids=["tr-a", "tr-b"])).result()
    assert (gone, found("")) == (2, [])


def test_evaluation_sets(databases: Databases, tmp_path: Path) -> None:
    database = databases.open(tmp_path / "faena.db")

    def work(write: Write) -> str:
        made = sets.create(write, "questions", {"k": "v"}, [0, 3], 10**12, "ann")
        assert sets.add_records(write, made.id, [Told({"q": 1}), Told({"q": 1}, outputs="x")], 5, None) == (
            1,
            1,
        )
        return made.id

    set_id = database.submit_write(work).result()

    def found(text: str) -> list[str]:
        where, by = set_filters.conditions(text), set_filters.orders(["name DESC", "created_time"])
        there = database.submit_read(lambda read: set_store.find(read, where, by, 0, 10)).result()
        return [each.id for each in there]

    assert found("name LIKE 'q%' AND tags.k = 'v' AND created_time > 5 AND created_by = 'ann'") == [set_id]
    [kept_set] = database.submit_read(lambda read: set_store.find(read, [], [], 0, 9)).result()
    assert (kept_set.size, kept_set.experiment_ids, kept_set.tags) == (1, [0, 3], {"k": "v"})
    [record] = database.submit_read(lambda read: set_store.records_in_order(read, set_id, 0, 9)).result()
    assert (record.inputs, record.outputs) == ({"q": 1}, "x")
    gone = database.submit_write(
        lambda write: set_store.delete_records(write, set_id, [record.id, "none"])
    ).result()
    assert gone == 1
    database.submit_write(lambda write: set_store.delete(write, set_id)).result()
    assert found("") == []
