"""EVENT payloads: what is not a plain point, as JSON."""

from __future__ import annotations

import json
from time import time_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

MAX_EVENT = 1 << 20
"""Bytes of the longest event. A longer list or table is written as several: they concatenate."""


def encode(op: str, fields: dict[str, Any]) -> Iterator[bytes]:
    """The payloads of one event, each at most `MAX_EVENT` bytes; more than one for a long list or table only.

    Raises UserErrorException when an event that cannot be split is longer.
    """
    event: dict[str, Any] = {"op": op, "t": time_ns() // 1000}
    event.update(fields)
    data = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    if len(data) <= MAX_EVENT:
        yield data
        return
    for half in _halves(op, fields, len(data)):
        yield from encode(op, half)


def _halves(op: str, fields: dict[str, Any], size: int) -> list[dict[str, Any]]:
    if op == "list" and len(fields["values"]) > 1:
        values, middle = fields["values"], len(fields["values"]) // 2
        return [dict(fields, values=values[:middle]), dict(fields, values=values[middle:])]
    rows = len(next(iter(fields["columns"].values()))) if op == "table" else 0
    if rows > 1:
        columns = fields["columns"].items()
        return [
            dict(fields, columns={name: column[: rows // 2] for name, column in columns}),
            dict(fields, columns={name: column[rows // 2 :] for name, column in columns}),
        ]
    from faena.script.errors import UserErrorException

    raise UserErrorException(
        "The {} {!r} takes {} bytes as JSON; at most {} can be logged at once. Write it to a file under outputs/ "
        "or use run.upload_file.".format(op, fields.get("name", fields.get("key")), size, MAX_EVENT)
    )
