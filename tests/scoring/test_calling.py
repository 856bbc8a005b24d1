"""Which parameters of a decorated `run` a client may leave out."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from faena.scoring.worker import outputs
from faena.scoring.worker.answers import BadInput
from faena.scoring.worker.calling import Calling
from faena.scoring.worker.inputs import Values, by_name, fit
from faena.scoring.worker.names import inference_schema
from faena.scoring.worker.names.inference_schema import schema_util
from faena.scoring.worker.names.inference_schema.parameter_types.standard_py_parameter_type import (
    StandardPythonParameterType,
)
from faena.scoring.worker.names.inference_schema.schema_decorators import input_schema


@input_schema("data", StandardPythonParameterType([1.0]))
@input_schema("method", StandardPythonParameterType("predict"))
def run(data: Any, method: str = "predict") -> Any:
    return data, method


def test_one_with_a_default_may_be_left_out() -> None:
    calling = Calling(run)
    assert calling.run(**by_name({"data": [2.0]}, calling)) == ([2.0], "predict")
    assert calling.run(**by_name({"data": [2.0], "method": "proba"}, calling)) == ([2.0], "proba")
    arguments, named = fit(Values([3.0]), calling)
    assert calling.run(*arguments, **named) == ([3.0], "predict")


def test_one_with_a_default_is_not_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inference_schema", inference_schema)
    monkeypatch.setitem(sys.modules, "inference_schema.schema_util", schema_util)
    assert Calling(run).description["input"]["required"] == ["data"]


def test_numbers_beyond_64_bits_are_sent_as_text() -> None:
    told = outputs.described("y", [1, 1 << 70], [])
    assert (told["datatype"], told["shape"]) == ("BYTES", [2])
    assert outputs.described("y", 1 << 70, None)["data"] == [str(1 << 70)]


def test_one_without_a_default_may_not() -> None:
    with pytest.raises(BadInput, match="'data' was not given"):
        by_name({"method": "predict"}, Calling(run))


def test_a_default_takes_no_null() -> None:
    with pytest.raises(BadInput, match="'method' is refused"):
        by_name({"data": [1.0], "method": None}, Calling(run))
