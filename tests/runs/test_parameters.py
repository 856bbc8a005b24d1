"""Arguments by name: found, and set to another value."""

from __future__ import annotations

import pytest

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
        ("--a 1 --b 2", {"a": None}, "--a --b 2"),
        ("--a 1 --a 2", {"a": "3"}, "--a 3 --a 3"),
        ("", {"name": "--odd"}, "--name=--odd"),
        ("--name x", {"name": "--odd"}, "--name=--odd"),
        ("--a x", {"a": ""}, "--a "),
    ],
)
def test_an_argument_is_set(arguments: str, settings: dict[str, str | None], expected: str) -> None:
    found = changed(arguments.split(), settings)
    assert " ".join(found) == expected
    named = of_arguments(found)
    for name, value in settings.items():
        assert named[name.lstrip("-")] == ("true" if value is None else value)
