"""What OpenTelemetry's messages have, by number and by name: the part of its protocol that says what a span is."""

from __future__ import annotations

from enum import Enum, auto

from msgspec import Struct

DEEPEST = 40
"""Values within values, and messages within messages; what goes deeper is refused."""


MOST_VALUES = 2_000_000
"""Of a request, messages among them: each costs some microseconds, and 64 KiB packed hold 30 million empty ones."""


class Kind(Enum):
    TEXT = auto()
    FLAG = auto()
    SMALL = auto()
    """A whole number that JSON has as one."""
    WHOLE = auto()
    """A signed one of 64 bits, which JSON has as text."""
    NANOSECONDS = auto()
    """Likewise, never negative and 8 bytes long."""
    FIXED = auto()
    """A small one, 4 bytes long."""
    REAL = auto()
    BYTES = auto()
    IDENTITY = auto()
    """Bytes, which OpenTelemetry's JSON has as hexadecimal digits."""


class Field(Struct, frozen=True):
    name: str
    of: Kind | str
    """Or the name of a message."""
    repeated: bool = False


Shape = dict[int, Field]

SHAPES: dict[str, Shape] = {
    "request": {1: Field("resource_spans", "resource_spans", True)},
    "resource_spans": {1: Field("resource", "resource"), 2: Field("scope_spans", "scope_spans", True)},
    "resource": {1: Field("attributes", "attribute", True)},
    "scope_spans": {2: Field("spans", "span", True)},
    "span": {
        1: Field("trace_id", Kind.IDENTITY),
        2: Field("span_id", Kind.IDENTITY),
        3: Field("trace_state", Kind.TEXT),
        4: Field("parent_span_id", Kind.IDENTITY),
        5: Field("name", Kind.TEXT),
        6: Field("kind", Kind.SMALL),
        7: Field("start_time_unix_nano", Kind.NANOSECONDS),
        8: Field("end_time_unix_nano", Kind.NANOSECONDS),
        9: Field("attributes", "attribute", True),
        10: Field("dropped_attributes_count", Kind.SMALL),
        11: Field("events", "event", True),
        12: Field("dropped_events_count", Kind.SMALL),
        13: Field("links", "link", True),
        14: Field("dropped_links_count", Kind.SMALL),
        15: Field("status", "status"),
        16: Field("flags", Kind.FIXED),
    },
    "event": {
        1: Field("time_unix_nano", Kind.NANOSECONDS),
        2: Field("name", Kind.TEXT),
        3: Field("attributes", "attribute", True),
        4: Field("dropped_attributes_count", Kind.SMALL),
    },
    "link": {
        1: Field("trace_id", Kind.IDENTITY),
        2: Field("span_id", Kind.IDENTITY),
        3: Field("trace_state", Kind.TEXT),
        4: Field("attributes", "attribute", True),
        5: Field("dropped_attributes_count", Kind.SMALL),
        6: Field("flags", Kind.FIXED),
    },
    "status": {2: Field("message", Kind.TEXT), 3: Field("code", Kind.SMALL)},
    "attribute": {1: Field("key", Kind.TEXT), 2: Field("value", "value")},
    "value": {
        1: Field("string_value", Kind.TEXT),
        2: Field("bool_value", Kind.FLAG),
        3: Field("int_value", Kind.WHOLE),
        4: Field("double_value", Kind.REAL),
        5: Field("array_value", "list"),
        6: Field("kvlist_value", "table"),
        7: Field("bytes_value", Kind.BYTES),
    },
    "list": {1: Field("values", "value", True)},
    "table": {1: Field("values", "attribute", True)},
}
"""Messages are read into dictionaries with these names, as protocol buffers' own JSON has them."""


class Unreadable(ValueError):
    """What was sent are no spans in this form."""


class Counted:
    """How many values of a request are read."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def one_more(self, many: int = 1) -> None:
        """Raises Unreadable where they are too many."""
        self._left -= many
        if self._left < 0:
            raise Unreadable(f"a request has at most {MOST_VALUES:,} values. Send fewer spans at a time")
