"""What a run logged, as a spool that gives the same again when it is appended; and as a table for people.

A spool holds for each metric one NAME frame, then its points as they arrived: see `faena.tracking.spool`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from faena.db import Database, Read
from faena.objects.contract import ObjectFiles
from faena.script.frames import EVENT, NAME, frame
from faena.tracking import codec
from faena.tracking.arrays import np
from faena.tracking.points import INT, JSON, NO_STEP, Points, joined
from faena.tracking.spool_frames import number_frames
from faena.tracking.store import metric_chunks, streams
from faena.tracking.store import metrics as store
from faena.tracking.store.metrics import SeriesRow
from faena.tracking.store.packs import Opened

_CHUNKS_TOGETHER = 16
_TOGETHER = 100_000
"""Points that are read in one go."""
_BYTES_A_POINT = 64
"""What JSON counts as."""


class LoggedSeries(Struct, frozen=True):
    """A metric of one attempt."""

    attempt: int
    row: SeriesRow


def spool_attempts(read: Read, run_id: str) -> list[int]:
    """Attempts whose processes opened a spool, whether or not they logged, in order."""
    return streams.spool_attempts(read, run_id)


def every_series(read: Read, run_id: str) -> list[LoggedSeries]:
    """The metrics of all attempts and both sources, each attempt's in the order in which they were first logged."""
    return [
        LoggedSeries(attempt, row)
        for attempt in store.attempts(read, run_id)
        for row in store.of_run(read, run_id, attempt=attempt)
    ]


def points(
    database: Database, objects: ObjectFiles, wanted: Sequence[LoggedSeries]
) -> Iterator[tuple[int, Points]]:
    """(place of its metric among those wanted, points in the order of arrival), metric after metric. Blocks."""
    place, after = 0, 0
    while place < len(wanted):
        ask = partial(_some, objects=objects, wanted=wanted, place=place, after=after)
        found, place, after = database.submit_read(ask).result()
        yield from found


def _some(
    read: Read, objects: ObjectFiles, wanted: Sequence[LoggedSeries], place: int, after: int
) -> tuple[list[tuple[int, Points]], int, int]:
    """Points from a chunk of a metric on, so many as are handled together, and where the next ones begin."""
    found: list[tuple[int, Points]] = []
    count = 0
    with Opened(objects) as opened:
        while place < len(wanted) and count < _TOGETHER:
            number = wanted[place].row.id
            assert number is not None
            chunks = metric_chunks.of_series(read, number, after=after, limit=_CHUNKS_TOGETHER)
            part = joined([codec.decode(opened.bytes(chunk.place)) for chunk in chunks])
            found.append((place, part))
            count += len(part) + sum(map(len, part.payloads)) // _BYTES_A_POINT
            if len(chunks) < _CHUNKS_TOGETHER:
                place, after = place + 1, 0
            else:
                after = chunks[-1].id
    return found, place, after


def name_frame(number: int, name: str) -> bytes:
    return frame(NAME, number.to_bytes(4, "little") + name.encode())


def frames(number: int, part: Points) -> Iterator[bytes]:
    """The points as frames, under the id that a NAME frame gave to their metric."""
    if not part.payloads:
        yield number_frames(part, number)
        return
    bounds = np.flatnonzero(np.diff(part.kind == JSON)) + 1
    for start, stop in zip([0, *bounds.tolist()], [*bounds.tolist(), len(part)], strict=True):
        piece = part.slice(start, stop)
        if piece.kind[0] == JSON:
            for payload in piece.payloads:
                yield frame(EVENT, payload)
        else:
            yield number_frames(piece, number)


def table(name: str, part: Points) -> str:
    """Lines of comma-separated text, one a point: name, time, step, value.

    Times are in ISO 8601; lists, rows and tables are JSON. What a spreadsheet would take for a formula has a ' before
    it.
    """
    times = np.datetime_as_string(part.time.view("datetime64[us]"), unit="us").tolist()
    steps = ["" if step == NO_STEP else str(step) for step in part.step.tolist()]
    values = [repr(value) for value in part.bits.view(np.float64).tolist()]
    for place in np.flatnonzero(part.kind == INT).tolist():
        values[place] = str(int(part.bits[place]))
    for place in np.flatnonzero(part.kind == JSON).tolist():
        values[place] = _cell(_text(json.loads(part.payloads[int(part.bits[place])])))
    first = _cell(name)
    lines = [
        f"{first},{time}Z,{step},{value}\n" for time, step, value in zip(times, steps, values, strict=True)
    ]
    return "".join(lines)


def _text(record: dict[str, Any]) -> str:
    value = record.get("value", record.get("values", record.get("columns")))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> str:
    if text.startswith(("=", "+", "-", "@", "\t", "\r")):
        text = f"'{text}"
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(letter in text for letter in ',"\r\n') else text
