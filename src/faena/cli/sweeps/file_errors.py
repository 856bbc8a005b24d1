"""What is wrong with a field of a file, in words of those who wrote it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from faena.cli.sweeps.yaml_lines import Path
from faena.kernel.nearest import nearest
from faena.sweeps.arguments import shown
from faena.sweeps.schemas import Policy

_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_PLACE = re.compile(r"(?P<why>.*?)(?: - at `(?P<place>\$[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|(\[\.\.\.\]|\[[^\]]*\])")


class Wrong(Exception):
    """Something is wrong at a path of the document."""

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        self.why = why


def converted(given: Mapping[str, Any], kind: Any, path: Path) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        found = _PLACE.fullmatch(str(error))
        why, place = (found["why"], found["place"] or "") if found else (str(error), "")
    where = (*path, *_steps(place))
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", why, re.DOTALL):
        known = Policy.__struct_fields__ if where[-1:] == ("policy",) else kind.__struct_fields__
        raise Wrong((*where, unknown[1]), no_field(unknown[1], known))
    value = _at(given, where[len(path) :])
    if why.startswith("Invalid enum value"):
        owner = Policy if where[:-1] == ("policy",) else kind
        choices = _choices(get_type_hints(owner).get(str(where[-1])))
        near = nearest(str(value), choices)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Use one of {', '.join(choices)}."
        raise Wrong(where, f"{short(value)} is not known. {hint}")
    raise Wrong(where, _reworded(why, value))


def _choices(annotation: Any) -> list[str]:
    """What a Literal within a type allows."""
    if get_origin(annotation) is Literal:
        return [str(each) for each in get_args(annotation)]
    return [choice for part in get_args(annotation) for choice in _choices(part)]


def _steps(place: str) -> Path:
    """`$.space[...].choice[0]` as far as it is told: a key of a dict is not."""
    found: list[str | int] = []
    for step in _STEP.finditer(place):
        if step[3]:
            break
        found.append(int(step[2]) if step[2] else step[1])
    return tuple(found)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _reworded(why: str, given: Any) -> str:
    """What was expected, for people."""
    wanted = why.partition(", got ")[0].replace("Expected ", "")
    wanted = re.sub(
        "`([^`]*)`",
        lambda found: " or ".join(_TYPES.get(each, each) for each in found[1].split(" | ")),
        wanted,
    )
    return f"it is {short(given)}, and {wanted} is expected."


def no_field(name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There is {', '.join(known)}."
    return f"there is no such field. {hint}"


def short(value: object) -> str:
    text = shown(value)
    return {"True": "true", "False": "false"}.get(text, text)
