"""docs/coverage.md says what is true of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena_azureml.coverage import Row, rows, table
from faena_azureml.lookup import find
from faena_azureml.not_covered import StandIn

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


@pytest.fixture(scope="module")
def found() -> list[Row]:
    return list(rows())


def test_the_page_is_what_the_code_says(found: list[Row]) -> None:
    assert PAGE.read_text() == table(found), "run `make coverage-table`"


def test_whatever_is_not_covered_has_its_reason(found: list[Row]) -> None:
    assert [row.name for row in found if row.state == "not" and not row.note] == []


def test_covered_imports_can_be_imported(found: list[Row]) -> None:
    for row in found:
        if row.kind == "import" and row.state != "not":
            space: dict[str, object] = {}
            exec(row.name, space)
            assert not any(isinstance(value, StandIn) for value in space.values()), row.name


def test_covered_calls_are_of_something_that_can_be_called(found: list[Row]) -> None:
    for row in found:
        if row.kind == "call" and row.state != "not":
            assert callable(find(row.kind, row.name).value), row.name


def test_covered_attributes_of_classes_are_there(found: list[Row]) -> None:
    for row in found:
        if row.kind == "attribute" and row.state != "not":
            assert find(row.kind, row.name).there, row.name
