"""One file of JSON objects, a line each: its rows as lists of values."""

from __future__ import annotations

import json

from faena.script.errors import UserErrorException
from faena.script.tabular import blocks, types
from faena.script.tabular.frames import pandas

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Mapping

_ROWS = 20_000
"""Of a chunk: what JSON becomes in memory is several times its text."""


def records(
    place: str, name: str, options: Mapping[str, Any], rows: int = _ROWS
) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """Lists of (line, object). Raises UserErrorException for a line that is none, unless invalid_lines is 'skip'."""
    found: list[tuple[int, dict[str, Any]]] = []
    line = 0
    for block in blocks.blocks(place, name, str(options["encoding"])):
        for text in block.splitlines() if b"\r" in block else block.split(b"\n"):
            line += 1
            if not text.strip():
                continue
            record = _record(text)
            if isinstance(record, dict):
                found.append((line, record))
                if len(found) >= rows:
                    yield found
                    found = []
            elif options["invalid_lines"] == "error":
                raise UserErrorException("{}, line {}: {}".format(name, line, _why(text)))
        if block.endswith(b"\n") and b"\r" not in block:
            line -= 1  # `split` sees an empty line behind the last line break
    if found:
        yield found


def _record(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _why(text: bytes) -> str:
    shown = repr(text[:60].decode("utf-8", "replace"))
    hint = " It may be a JSON array: write one object a line." if text.lstrip().startswith(b"[") else ""
    return "{} is no JSON object.{} Mend it, or give invalid_lines='skip' to leave such lines out.".format(
        shown, hint
    )


def text_of(value: Any) -> Any:
    """A value as the text that it is read as in a column of texts; None stays null."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def type_of(values: Iterable[Any]) -> dict[str, Any]:
    """The type of values of JSON, None being null; a text is text, unless all are ISO dates."""
    there = [value for value in values if value is not None]
    kinds = {type(value) for value in there}
    if not there:
        return types.TEXT
    if kinds == {bool}:
        return {"type": "bool"}
    if kinds == {int} and not any(map(_is_beyond, there)):
        return {"type": "long"}
    if kinds <= {int, float}:
        return {"type": "float"} if float in kinds and not any(map(_is_beyond, there)) else types.TEXT
    if kinds == {str}:
        return {"type": "datetime", "formats": [types.ISO]} if all(map(types.is_iso, there)) else types.TEXT
    return types.ANY if kinds <= {dict, list} else types.TEXT


def _is_beyond(value: Any) -> bool:
    """Whether it is a whole number of more than 64 bits."""
    return isinstance(value, int) and abs(value) >= 1 << 63


def column_of(values: list[Any], of: Mapping[str, Any]) -> Any:
    """Values of JSON as a column that is looked at as one of a file of text is."""
    if of["type"] == "any":
        return pandas().Series(values, dtype=object)
    if of["type"] != "string":
        made = pandas().Series(values)
        texts = of["type"] == "float" and not of.get("said") and any(map(_is_beyond, values))
        if str(made.dtype) != "object" and not texts:
            return made
    return pandas().Series([text_of(value) for value in values], dtype=object)
