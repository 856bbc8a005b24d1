"""MLflow's `/invocations`: four forms of JSON, a conversation as it is, and CSV."""

from __future__ import annotations

import json

from .answers import BadInput
from .inputs import Frame, Named, Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
WHOLE = ("messages", "prompt", "input")
"""An object with one of these is itself what the model gets: chats, completions and embeddings are asked so."""


class Whole:
    """An object that goes to the model as it is, and whose answer goes out as it is."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values


def read(content_type: str, body: bytes) -> tuple[Frame | Values | Named | Whole, dict[str, Any] | None]:
    """What is to be scored, and the `params` that came with it. Raises BadInput."""
    kind = content_type.split(";")[0].strip().lower()
    if kind == "text/csv":
        return _csv(body), None
    if kind not in (
        "application/json",
        "",
        "application/x-www-form-urlencoded",
    ):  # the last is what curl says unasked
        raise BadInput("/invocations reads application/json and text/csv, not {}.".format(kind[:80]))
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is not JSON: {}.".format(error)) from None
    if isinstance(said, dict) and any(name in said for name in WHOLE):
        if said.get("stream"):
            raise BadInput("Answers are not streamed. Ask without stream, or with stream false.")
        return Whole(said), None
    forms = [form for form in FORMS if isinstance(said, dict) and form in said]
    if len(forms) != 1:
        raise BadInput("Give one of {}: an object with that key.".format(", ".join(FORMS + WHOLE)))
    params = said.get("params")
    if params is not None and not isinstance(params, dict):
        raise BadInput("params is an object with the values of parameters.")
    return _READERS[forms[0]](said[forms[0]]), params


def _split(value: Any) -> Frame:
    if not isinstance(value, dict) or not _is_rows(value.get("data")):
        raise BadInput("dataframe_split has columns and data, which is a list of rows.")
    rows = value["data"]
    columns = value.get("columns")
    if columns is None:
        columns = list(range(len(rows[0]) if rows else 0))
    if not isinstance(columns, list) or any(len(row) != len(columns) for row in rows):
        raise BadInput("In dataframe_split each row of data has as many values as there are columns.")
    return Frame(columns, rows)


def _records(value: Any) -> Frame:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise BadInput("dataframe_records is a list of objects.")
    columns = list(dict.fromkeys(name for row in value for name in row))
    return Frame(columns, [[row.get(name) for name in columns] for row in value], value)


def _instances(value: Any) -> Values | Named:
    if not isinstance(value, list):
        raise BadInput("instances is a list with one value for each row.")
    if value and all(isinstance(row, dict) for row in value):
        names = list(value[0])
        if any(list(row) != names and set(row) != set(names) for row in value):
            raise BadInput("Each of the instances has the same names.")
        return Named({name: [row[name] for row in value] for name in names})
    return Values(value)


def _inputs(value: Any) -> Values | Named:
    return Named(value) if isinstance(value, dict) else Values(value)


def _csv(body: bytes) -> Frame:
    import csv
    import io

    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput("The body is not CSV: {}.".format(error)) from None
    lines = [line for line in lines if line]
    if not lines:
        raise BadInput("The body has no line: CSV begins with the names of the columns.")
    columns, rows = lines[0], lines[1:]
    if any(len(row) != len(columns) for row in rows):
        raise BadInput("Each line of the CSV has as many values as the first.")
    return Frame(columns, [[_cell(text) for text in row] for row in rows])


def _cell(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text or None


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, list) for row in value)


_READERS = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
