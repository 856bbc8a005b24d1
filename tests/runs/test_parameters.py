"""Arguments by name: found, and set to another value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.runs.parameters import changed, of_arguments


@pytest.mark.parametrize(
    ("arguments", "settings", "expected"),
    [
        ("--epochs 10 data", {"epochs": "20"}, "--epochs 20 data"),
        ("--epochs=10 --v", {"--epochs": "20"}, "--epochs=20 --v"),
        ("--rate 0.1", {"rate": "-0.5"}, "--rate -0.5"),
        ("--rate -0.1", {"rate": "1"}, "--rate 1"),
        ("--a 1", {"b": "2"}, "--a 1 --b 2"),
        ("--a 1", {"-b": "2"}, "--a 1 -b 2"),
        ("--a 1 -- file", {"b": "2"}, "--a 1 --b 2 -- file"),
        ("--a 1", {"verbose": None}, "--a 1 --verbose"),
        ("--verbose --a 1", {"verbose": None}, "--verbose --a 1"),
        ("--verbose --a 1", {"verbose": "2"}, "--verbose 2 --a 1"),
        ("--verbose data.csv", {"verbose": None}, "--verbose data.csv"),
        ("--a=1 --b 2", {"a": None}, "--a --b 2"),
        ("--a 1 --a 2", {"a": "3"}, "--a 3 --a 3"),
        ("", {"name": "--odd"}, "--name=--odd"),
        ("--name x", {"name": "--odd"}, "--name=--odd"),
        ("--a x", {"a": ""}, "--a "),
    ],
)
def test_an_argument_is_set(arguments: str, settings: dict[str, str | None], expected: str) -> None:
    assert " ".join(changed(arguments.split(), settings)) == expected


_WORDS = st.sampled_from(["--a", "--a=1", "-a", "--b", "--b=x=y", "1", "-5", "x", "--", "-", "", "--bb"])


@given(st.lists(_WORDS, max_size=8), st.sampled_from(["a", "--b", "-c", "c"]), st.text("ab-=1. ", max_size=4))
def test_what_is_set_is_what_the_script_gets(arguments: list[str], name: str, value: str) -> None:
    found = changed(arguments, {name: value})
    assert of_arguments(found)[name.lstrip("-")] == value
    others = {key: text for key, text in of_arguments(arguments).items() if key != name.lstrip("-")}
    assert {key: text for key, text in of_arguments(found).items() if key != name.lstrip("-")} == others
    assert changed(found, {name: value}) == found
    assert changed(arguments, {}) == arguments
