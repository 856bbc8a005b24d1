"""The frames of a spool that are text: definitions of names, and JSON events."""

from __future__ import annotations

import json
import struct
from typing import Any

from msgspec import Struct

from faena.kernel import data_loss
from faena.kernel.clock import Micros
from faena.kernel.data_loss import Loss
from faena.tracking.model import Event
from faena.tracking.points import FLOAT, INT, JSON, NO_STEP

_INT64 = range(-(2**63), 2**63)
_SURROGATE = "\\ud"


class Unreadable(ValueError):
    """The frame is whole, but what stands in it breaks the format."""


class Logged(Struct, frozen=True):
    """One point of a metric; `payload` is set when `kind` is JSON, else `bits` is the value."""

    name: str
    time: Micros
    step: int
    kind: int
    bits: int = 0
    payload: bytes = b""


def definition(payload: bytes) -> tuple[int, str]:
    """Id and name. Raises Unreadable."""
    try:
        return int.from_bytes(payload[:4], "little"), _name(payload[4:].decode())
    except UnicodeDecodeError as error:
        raise Unreadable(str(error)) from error


def parse(payload: bytes) -> Logged | Event:
    """What an EVENT frame says. Raises Unreadable, also for an `op` that this version does not know."""
    record, payload = _load(payload)
    time = record.get("t")
    if type(time) is not int or time not in _INT64:
        raise Unreadable(f"time {str(time)[:40]!r}")
    op = record.get("op")
    if op in ("tag", "note"):
        return _told(op, time, record)
    if not isinstance(record.get("name"), str):
        raise Unreadable("no name")
    name = _name(record["name"])
    if op == "scalar" and "value" in record and not isinstance(record["value"], list | dict):
        return _scalar(name, time, record, payload)
    if (
        (op == "list" and isinstance(record.get("values"), list))
        or (op == "row" and isinstance(record.get("columns"), dict))
        or (op == "table" and _is_table(record.get("columns")))
    ):
        return Logged(name, time, NO_STEP, JSON, payload=payload)
    raise Unreadable(f"op {str(op)[:40]!r}")


def end(payload: bytes, writer: str) -> Event | None:
    """A note when the process had to drop records. Raises Unreadable."""
    record, _ = _load(payload)
    dropped, time = record.get("dropped", 0), record.get("t", 0)
    if not isinstance(dropped, int) or type(time) is not int or time not in _INT64:
        raise Unreadable("dropped or t")
    if not dropped:
        return None
    return noted(data_loss.dropped(writer, dropped), time)


def noted(loss: Loss, time: Micros) -> Event:
    return Event("note", time, {"code": loss.code, "message": loss.message, "about": loss.about})


def with_time(payload: bytes, time: Micros) -> bytes:
    """The record as of another time."""
    return json.dumps({**json.loads(payload), "t": time}, ensure_ascii=False).encode("utf-8", "replace")


def _told(op: str, time: Micros, record: dict[str, Any]) -> Event:
    needed = ("key", "value") if op == "tag" else ("code", "message")
    if missing := [key for key in needed if key not in record]:
        raise Unreadable(f"a {op} without {missing[0]}")
    if any(isinstance(record[key], list | dict) for key in needed if key != "value"):
        raise Unreadable(f"a {op} of another form")
    return Event(op, time, {key: value for key, value in record.items() if key not in ("op", "t")})


def _scalar(name: str, time: Micros, record: dict[str, Any], payload: bytes) -> Logged:
    step, value = record.get("step"), record["value"]
    if type(step) is not int or step not in _INT64:
        step = NO_STEP
    if type(value) is int and value in _INT64:
        return Logged(name, time, step, INT, value)
    if type(value) is float:
        return Logged(name, time, step, FLOAT, _bits(value))
    return Logged(name, time, step, JSON, payload=payload)


def _bits(value: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def _load(payload: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        text = payload.decode()
        record = json.loads(text)
        if _SURROGATE in text.lower():  # a lone half of a pair is no Unicode: no database takes it
            payload = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")
            record = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if not isinstance(record, dict):
        raise Unreadable("not an object")
    return record, payload


def _is_table(columns: object) -> bool:
    return isinstance(columns, dict) and all(isinstance(values, list) for values in columns.values())


def _name(name: str) -> str:
    return name.replace("\0", "\ufffd")
