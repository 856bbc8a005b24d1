"""What exporters send is read, or refused in words of ours; nothing else comes of it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faena.traces.opentelemetry import shapes, told
from faena.traces.opentelemetry.shapes import Unreadable
from faena.traces.opentelemetry.told import WrongSpan
from tests.examples import examples
from tests.mlflow import otlp

EVENT = {"name": "e", "timeUnixNano": "5", "attributes": []}
SPAN = otlp.span(attributes={"a": "x", "mlflow.spanType": '"LLM"'}, events=[EVENT])
PROTOBUF, JSON = otlp.as_protobuf(SPAN, name="x"), otlp.as_json(SPAN, name="x")


def read(body: bytes, *, is_json: bool) -> list[told.Told]:
    try:
        return told.read(body, is_json=is_json)
    except (Unreadable, WrongSpan):
        return []


@given(st.binary(max_size=200))
@settings(max_examples=examples(50), deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    read(body, is_json=False)
    read(body, is_json=True)


@given(st.integers(0, len(PROTOBUF) - 1), st.binary(min_size=1, max_size=4), st.booleans())
@settings(max_examples=examples(60), deadline=None)
def test_damaged_protocol_buffers_are_read_or_refused(at: int, other: bytes, cut: bool) -> None:
    for each in read(PROTOBUF[:at] + other + (b"" if cut else PROTOBUF[at + len(other) :]), is_json=False):
        json.loads(each.span.told)


@pytest.mark.parametrize("is_json", [False, True])
def test_empty_values_without_end_are_refused(is_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MOST_VALUES", 1000)
    body = b'{"resourceSpans": [' + b"{}," * 1000 + b"{}]}" if is_json else b"\x0a\x00" * 1001
    with pytest.raises(Unreadable, match="at most 1,000 values"):
        told.read(body, is_json=is_json)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["values", "key", "value"]), inner)
    ),
    max_leaves=5,
)


@given(st.sampled_from([*SPAN, "droppedAttributesCount", "links", "flags"]), VALUES)
@settings(max_examples=examples(60), deadline=None)
def test_fields_of_any_kind_are_read_or_refused(name: str, value: Any) -> None:
    for each in read(json.dumps(otlp.request({**SPAN, name: value})).encode(), is_json=True):
        json.loads(each.span.told)


@given(
    st.dictionaries(
        st.sampled_from(["stringValue", "intValue", "arrayValue", "kvlistValue", "bytesValue"]), VALUES
    )
)
@settings(max_examples=examples(60), deadline=None)
def test_values_of_any_kind_are_read_or_refused(value: dict[str, Any]) -> None:
    attributes = [{"key": "a", "value": value}]
    for each in read(json.dumps(otlp.request({**SPAN, "attributes": attributes})).encode(), is_json=True):
        json.loads(each.span.told)


@pytest.mark.parametrize("is_json", [False, True])
def test_reading_takes_time_in_proportion(is_json: bool) -> None:
    def took(count: int) -> float:
        spans = [
            otlp.span(spanId=f"{number + 1:016x}", attributes={"a": "x" * 50}) for number in range(count)
        ]
        body = otlp.as_json(*spans) if is_json else otlp.as_protobuf(*spans)

        def once() -> float:
            began = time.process_time()
            assert len(told.read(body, is_json=is_json)) == count
            return time.process_time() - began

        return min(once() for _ in range(3))  # the garbage collector comes when it likes

    few, many = took(100), took(1000)
    assert many < 40 * few
