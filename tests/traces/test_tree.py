"""The order of a trace's steps, and what is read of those that came as a file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from faena.kernel.errors import UserErrorException
from faena.traces import span_files, tree
from faena.traces.model import Span, SpanStatus
from faena.traces.spans import whole


def span(number: int, parent: int | None = None, began: int = 0) -> Span:
    above = None if parent is None else f"{parent:016x}"
    return Span(f"{number:016x}", "tr-1", above, f"s{number}", began, began + 1, SpanStatus.OK, "{}")


def drawn(*spans: Span) -> list[tuple[str, int, int]]:
    return [(each.span.name, each.depth, each.children) for each in tree.placed(spans)]


def test_each_step_stands_before_those_below_it_as_they_began() -> None:
    assert drawn(span(4, 2, 9), span(3, 1, 8), span(1, None, 1), span(2, 1, 5), span(5, 2, 7)) == [
        ("s1", 0, 2),
        ("s2", 1, 2),
        ("s5", 2, 0),
        ("s4", 2, 0),
        ("s3", 1, 0),
    ]


def test_none_is_lost_whose_parent_did_not_come() -> None:
    assert drawn(span(2, 9, 1), span(3, 2, 2)) == [("s2", 0, 1), ("s3", 1, 0)]


def test_what_goes_in_circles_is_there_once() -> None:
    assert drawn(span(1, 2, 5), span(2, 1, 3), span(3, 3, 1)) == [("s3", 0, 0), ("s2", 0, 1), ("s1", 1, 0)]


def test_a_trace_may_be_as_deep_as_it_has_steps() -> None:
    chain = [span(number, number - 1 or None, number) for number in range(1, 20_001)]
    assert drawn(*chain)[-1] == ("s20000", 19_999, 0)


OLD = {
    "name": "ask",
    "context": {"trace_id": "0x01", "span_id": "0x00000000000000aa"},
    "parent_id": "0x00000000000000bb",
    "start_time": 5,
    "end_time": 9,
    "status_code": "ERROR",
    "status_message": "no answer",
    "attributes": {"mlflow.spanInputs": '{"q": 1}', "mlflow.spanType": '"LLM"', "deep": '{"a": [1.5, true]}'},
    "events": [{"name": "e", "timestamp": 6, "attributes": {"x": 1}}],
}
NEW = {
    "name": "ask",
    "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==",
    "span_id": "AAAAAAAAAKo=",
    "parent_span_id": "AAAAAAAAALs=",
    "start_time_unix_nano": 5,
    "end_time_unix_nano": 9,
    "status": {"code": "STATUS_CODE_ERROR", "message": "no answer"},
    "attributes": OLD["attributes"],
    "events": [{"name": "e", "time_unix_nano": 6, "attributes": {"x": 1}}],
}


@pytest.mark.parametrize("given", [OLD, NEW])
def test_both_forms_of_a_file_say_the_same(given: dict[str, Any]) -> None:
    [found] = span_files.parse(json.dumps({"spans": [given]}).encode(), "tr-1")
    assert (found.id, found.parent_id, found.kind) == ("00000000000000aa", "00000000000000bb", "LLM")
    assert (found.began_ns, found.ended_ns, found.status) == (5, 9, SpanStatus.FAILED)
    told = whole(found)
    assert (told.inputs, told.outputs, told.message) == ({"q": 1}, None, "no answer")
    assert told.attributes["deep"] == {"a": [1.5, True]}
    assert [(each.name, each.at_ns, each.attributes) for each in told.events] == [("e", 6, {"x": 1})]


DEEP = (
    '{"spans": [{"span_id": "AAAAAAAAAKo=", "start_time": 1, "attributes": {"mlflow.spanInputs": '
    + "[" * 300
    + "]" * 300
    + "}}]}"
)
LATE = '{"spans": [{"span_id": "AAAAAAAAAKo=", "start_time": 1e300}]}'
NO_SPANS = ("", "[]", '{"spans": 1}', '{"spans": [1]}', '{"spans": [{}]}', "[" * 5000)


@pytest.mark.parametrize("data", [*NO_SPANS, '{"spans": [{"start_time": "soon"}]}', LATE])
def test_a_file_that_holds_no_spans_says_so(data: str) -> None:
    with pytest.raises(UserErrorException, match=r"traces\.json of the trace tr-1 holds no spans"):
        span_files.parse(data.encode(), "tr-1")


def test_values_of_any_depth_are_read() -> None:
    [found] = span_files.parse(DEEP.encode(), "tr-1")
    assert str(whole(found).inputs).count("[") == 300
