"""Rows of numbers that are read all at once are what json makes of them, to the last bit; or they are left to json."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faena.scoring.worker import rows
from faena.scoring.worker.calling import Calling, Parameter
from faena.scoring.worker.jobs import Jobs
from faena.scoring.worker.kinds.types import Array
from faena.scoring.worker.names.inference_schema.parameter_types.numpy_parameter_type import (
    NumpyParameterType,
)
from faena.scoring.worker.names.inference_schema.schema_decorators import input_schema
from faena.scoring.worker.wire import SCORE

DIGITS = st.text("0123456789", max_size=9)
PLAIN = st.builds(
    "{}{}.{}".format, st.sampled_from(["", "-"]), st.integers(0, 999_999), DIGITS.filter(bool)
).filter(lambda text: float(text) or text[0] != "-")
ODD = st.one_of(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "-", "--", "+"]),
        DIGITS,
        st.sampled_from(["", ".", ".."]),
        DIGITS,
    ),
    st.floats(allow_nan=True).map(json.dumps),
    st.integers().map(str),
    st.sampled_from(["0", "-0", "-0.0", "1e3", "null", "true", '"1"', "1 2", "- 1", "]", "[1", "0x1", "1_0"]),
)
SEPARATORS = st.sampled_from([", ", ",", ",  ", " ,", ",\n"])
BETWEEN = st.sampled_from(["], [", "],[", "] ,["])


@pytest.fixture(autouse=True)
def _short_bodies_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_LEAST", 0)


def body(lines: list[list[str]], comma: str = ", ", between: str = "], [") -> bytes:
    return ('{"data": [[' + between.join(comma.join(line) for line in lines) + "]]}").encode()


def read(text: bytes) -> Any:
    return rows.read(text) if rows.name(text) == "data" else None


@given(
    st.lists(st.lists(PLAIN, min_size=3, max_size=3), min_size=1, max_size=4), st.sampled_from([", ", ","])
)
def test_decimals_are_read_to_the_last_bit(lines: list[list[str]], comma: str) -> None:
    text = body(lines, comma)
    expected = np.array(json.loads(text)["data"], np.float64)
    found = read(text)
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@given(st.lists(st.lists(st.one_of(PLAIN, ODD), max_size=4), max_size=3), SEPARATORS, BETWEEN)
@example([["1,2"], ["3"]], ", ", "], [")
@example([["01", "2"]], ", ", "], [")
@example([["1.", ".5"]], ", ", "], [")
@example([["1.2.3", "4"]], ", ", "], [")
@example([["1-2"]], ", ", "], [")
@example([["-0.0"]], ", ", "], [")
@example([[]], ", ", "], [")
@example([["9007199254740993.0"]], ", ", "], [")
def test_whatever_is_not_read_alike_is_left_to_json(lines: list[list[str]], comma: str, between: str) -> None:
    text = body(lines, comma, between)
    found = read(text)
    if found is not None:
        expected = np.array(json.loads(text)["data"], np.float64)
        assert found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "text",
    [
        b'{"data": [[1.5]], "more": [[2.5]]}',
        b'{"data": [[[1.5]]]}',
        b'{"d\\u0061ta": [[1.5]]}',
        b'{"data": [[1.5]]} ',
        b"[[1.5]]}",
        b'{"data": [1.5]}',
    ],
)
def test_other_bodies_are_left_to_json(text: bytes) -> None:
    assert read(text) is None


def test_a_script_gets_the_same_array_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[Any] = []

    @input_schema("data", NumpyParameterType(np.zeros((1, 3), np.float32)))
    def run(data: Any) -> Any:
        data[0, 0] += 1  # it may be written to
        got.append(data)
        return data.sum(axis=1)

    jobs = Jobs(Calling(run))
    bodies = [
        body([["0.1", "-2.25", "3.0"], ["4.5", "5.125", "6.0"]]),
        body([["0.1", "2.25"]]),
        body([["01", "2.0", "1.0"]]),
    ]
    at_once = [jobs.answer(SCORE, b"", each) for each in bodies]
    monkeypatch.setattr(rows, "name", lambda _: None)
    one_by_one = [jobs.answer(SCORE, b"", each) for each in bodies]
    assert [getattr(each, "body", each) for each in at_once] == [
        getattr(each, "body", each) for each in one_by_one
    ]
    assert got[0].dtype == got[1].dtype == np.float32
    assert got[0].tobytes() == got[1].tobytes()


@pytest.mark.parametrize(
    ("kind", "is_read"),
    [
        (Array("float64"), True),
        (Array("int64"), False),
        (NumpyParameterType(np.zeros((1, 1), np.float64)), True),
        (NumpyParameterType(np.zeros((1, 1), np.int64)), False),
        (NumpyParameterType(np.zeros((1, 1), np.float32), enforce_column_type=False), False),
        (Array("float32"), True),
        (Array(), False),
    ],
)
def test_only_what_becomes_floats_is_read_as_floats(kind: Any, is_read: bool) -> None:
    calling = Calling.of_kind(lambda data: data, [Parameter("x", kind, False)])
    assert calling.floats == (frozenset({"x", "data"}) if is_read else frozenset())
