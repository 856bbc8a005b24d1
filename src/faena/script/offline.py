"""The other end of an offline run's records: the screen."""

from __future__ import annotations

from faena.script.messages import tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Printer:
    """Stands where a submitted run has its `SpoolWriter`; prints what would have been recorded."""

    __slots__ = ("fd", "folder", "names")

    def __init__(self) -> None:
        self.names: dict[str, int] = {}  # stays empty: no call takes the short way
        self.fd = -1
        self.folder = ""

    def point(self, name: str, value: float, step: int | None = None) -> None:
        self.emit("scalar", {"name": name, "value": value})

    def emit(self, op: str, fields: dict[str, Any]) -> None:
        if op == "tag":
            tell("Attempted to tag the run with {}:\n{}".format(fields["key"], fields["value"]))
            return
        logged = next(fields[key] for key in ("value", "values", "columns") if key in fields)
        tell("Attempted to log {} metric {}:\n{}".format(op, fields["name"], logged))
