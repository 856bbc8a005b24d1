"""The space of a file: expressions as text or as mappings, in v1's form."""

from __future__ import annotations

from typing import Any

from faena.cli.sweeps.file_errors import Wrong, converted, short
from faena.cli.sweeps.file_types import Words
from faena.cli.sweeps.yaml_lines import Path
from faena.kernel.errors import UserErrorException
from faena.kernel.nearest import nearest
from faena.sweeps import expression_text
from faena.sweeps.arguments import shown
from faena.sweeps.expressions import WORDS
from faena.sweeps.space import Space

EXAMPLE = "Give an expression for at least one parameter, such as\n  space:\n    --lr: loguniform(-6, -1)"


def space_of(given: Any) -> dict[str, Any]:
    """In v1's form; each parameter is looked at by itself, so that its line is known."""
    if not isinstance(given, dict):
        raise Wrong(("space",), f"it is {shown(given)}. Give parameters, each with an expression.")
    if not given:
        raise Wrong(("space",), f"it is empty. {EXAMPLE}")
    found = {name: _expression(name, value) for name, value in given.items()}
    for name, value in found.items():
        try:
            Space.parse({name: value})
        except UserErrorException as error:
            raise Wrong(("space", name), error.message.removeprefix(f"Parameter {name!r}: ")) from None
    return found


def _expression(name: str, given: Any) -> Any:
    path = ("space", name)
    if isinstance(given, str):
        return _parsed(name, given, path)
    if isinstance(given, list):
        raise Wrong(path, f"it is a list. One of several values is {{choice: {short(given)}}}.")
    if not isinstance(given, dict):
        raise Wrong(
            path,
            f"it is {shown(given)}. Give an expression, such as uniform(0.1, 1) or choice(1, 2); what stays the same "
            "belongs among the arguments.",
        )
    if len(given) != 1:
        raise Wrong(path, f"it has {len(given)} words. Give one, such as {{uniform: [0, 1]}}.")
    ((word, arguments),) = given.items()
    if word not in Words.__struct_fields__:
        near = nearest(word, WORDS)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Use one of {', '.join(WORDS)}."
        raise Wrong((*path, word), f"{shown(word)} is no expression. {hint}")
    converted(given, Words, path)
    if word == "choice":
        options = [_option(name, each, (*path, word, place)) for place, each in enumerate(arguments)]
        return [word, [options]]
    return [word, [arguments] if word == "randint" else list(arguments)]


def _option(name: str, given: Any, path: Path) -> Any:
    """Of a choice: a value, or parameters with values or expressions."""
    if isinstance(given, str) and expression_text.is_expression(given):
        return _parsed(name, given, path)
    if not isinstance(given, dict):
        return given
    if len(given) == 1 and next(iter(given)) in Words.__struct_fields__:
        raise Wrong(path, f"write an expression within a choice as text: {next(iter(given))}(…).")
    return {key: _value(key, each, (*path, key)) for key, each in given.items()}


def _value(name: str, given: Any, path: Path) -> Any:
    """What an option sets a parameter to."""
    if isinstance(given, str) and expression_text.is_expression(given):
        return _parsed(name, given, path)
    if isinstance(given, dict) and len(given) == 1 and next(iter(given)) in Words.__struct_fields__:
        converted(given, Words, path)
        ((word, arguments),) = given.items()
        if word == "choice":
            return [word, [[_option(name, each, (*path, word, at)) for at, each in enumerate(arguments)]]]
        return [word, [arguments] if word == "randint" else list(arguments)]
    return given


def _parsed(name: str, text: str, path: Path) -> Any:
    try:
        return expression_text.parse(name, text)
    except UserErrorException as error:
        raise Wrong(path, error.message.removeprefix(f"Parameter {name!r} ")) from None
