"""What differs between several runs has a row, what all have is counted."""

from __future__ import annotations

from faena.comparison import values
from faena.comparison.table import Row, table
from tests.comparison.test_values import submission


def test_a_row_is_what_differs_in_any_of_the_runs() -> None:
    found = table("Parameters", [{"a": 1, "b": "x", "c": None}, {"b": "x", "d": 2}, {"a": 1, "b": "x"}])
    assert found.rows == (Row("a", (1, None, 1)), Row("d", (None, 2, None)))
    assert found.same == 1, "what no run has is equal in none"
    assert table("Data", [{"a": 1}]).rows == ()
    assert table("Data", []).rows == ()


def test_secrets_that_differ_are_told_apart_and_not_told() -> None:
    given = ["first", "second", "first"]
    runs = [submission(environment_variables={"API_TOKEN": each, "MODE": "a"}) for each in given]
    found = table("Variables", values.variable_values(runs))
    [row] = found.rows
    assert row.name == "API_TOKEN"
    assert row.values[0] == row.values[2] != row.values[1]
    assert not [value for value in row.values if "first" in str(value) or "second" in str(value)]
    alike = [submission(environment_variables={"API_TOKEN": "one"})] * 2
    assert table("Variables", values.variable_values(alike)).rows == ()
