"""Logs of a run as its pages show them: the end, a part, and where something stands in one."""

from __future__ import annotations

from time import monotonic

from msgspec import Struct

from faena.db import Database, Read
from faena.kernel.file_names import log_precedence
from faena.objects.contract import ObjectFiles
from faena.server.pages import colours, console
from faena.server.pages.colours import Piece
from faena.server.pages.rendering import file_address, run_address, with_query
from faena.server.pages.words import size as in_bytes
from faena.tracking import query
from faena.tracking.model import LogFile

PART = 64 << 10
"""Bytes of a log that a page shows at once."""
_READ = 1 << 20
_MOST_SEARCHED, _MOST_SECONDS = 64 << 20, 5.0
"""Of a log, for one request; the next one goes on."""
_MOST_HITS = 200
_AROUND = 160
"""Characters of a line that are shown before and behind what was looked for."""


class Log(Struct, frozen=True):
    """A part of a log. `offset`: from which byte on a stream goes on, the open line included."""

    name: str = ""
    chosen: bool = False
    others: tuple[tuple[str, str], ...] = ()
    """Names and addresses of all logs."""
    pieces: list[Piece] = []
    open: list[Piece] = []
    start: int = 0
    """Of the part, in bytes."""
    offset: int = 0
    size: int = 0
    address: str = ""
    """Of the whole log."""
    page: str = ""
    """Where parts of it are shown, and looked through."""
    attempt: int = 1
    """Whose log it is."""
    earlier: int | None = None
    """The attempt that was asked for; None: the latest one that has the log."""

    @property
    def older(self) -> str:
        """Address of the part before; empty where there is none."""
        return self._part(max(0, self.start - PART), self.start) if self.start > 0 else ""

    @property
    def newer(self) -> str:
        return self._part(self.offset) if self.offset < self.size else ""

    @property
    def newest(self) -> str:
        return self._part(max(0, self.size - PART))

    def _part(self, at: int, until: int | None = None) -> str:
        bounds = {"at": str(at), "until": None if until is None else str(until)}
        return with_query(self.page, {"log": self.name, **bounds, **_asked(self.earlier)})


class Hit(Struct, frozen=True):
    line: int
    before: str
    found: str
    after: str
    address: str


class Found(Struct, frozen=True):
    """Lines of a log in which a text stands."""

    hits: list[Hit]
    searched: str
    """How much was looked through, where it was not all."""
    more: str
    """Address of the rest."""


def build(
    read: Read,
    objects: ObjectFiles,
    run_id: str,
    wanted: str,
    logs: list[LogFile],
    at: int | None = None,
    until: int | None = None,
    attempt: int | None = None,
) -> Log:
    """`attempt`: the one that `logs` are of, where that is not the latest that has each.

    Its end, or the whole lines from the byte `at` on, up to `until`; of the log that is wanted, or says most."""
    sizes = {log.name: log.size for log in logs}
    attempts = {log.name: log.attempt for log in logs}
    main = max((name for name in sizes if log_precedence(name)[0] >= 0), key=log_precedence, default="")
    name = wanted if wanted in sizes else main or next(iter(sizes), "")
    address = run_address(run_id)
    page = address if attempt is None else f"{address}/log"
    others = tuple((each, with_query(page, {"log": each, **_asked(attempt)})) for each in sorted(sizes))
    if not name:
        return Log(earlier=attempt)
    limit = PART if at is None or until is None else max(1, min(PART, until - at))
    begin = -PART if at is None else max(0, at - 1)  # a line that begins there is whole
    limit += 1 if begin > 0 else 0
    part = query.log_text(read, objects, run_id, name, offset=begin, limit=limit, attempt=attempt)
    start = part.next_offset - len(part.data)
    data = part.data
    if start > 0:  # the line that begins before is left out
        skipped = data.find(b"\n") + 1
        data, start = data[skipped:], start + skipped
    ended = data[: data.rfind(b"\n") + 1]
    if at is not None and not ended:  # a line that is longer than a part
        ended = data
    shown = console.shown(ended.decode("utf-8", "replace"), coloured=True)
    left = b"" if at is not None and part.next_offset < part.size else data[len(ended) :]
    return Log(
        name=name,
        chosen=wanted in sizes,
        others=others,
        pieces=colours.pieces(shown.text + (shown.open if at is not None else "")),
        open=colours.pieces(console.shown(left.decode("utf-8", "replace"), coloured=True).open),
        start=start,
        offset=start + len(ended),
        size=part.size,
        address=with_query(file_address(run_id, name), _asked(attempt)),
        page=f"{address}/log",
        attempt=attempts[name],
        earlier=attempt,
    )


def _asked(attempt: int | None) -> dict[str, str | None]:
    return {"attempt": None if attempt is None else str(attempt)}


async def search(
    database: Database, objects: ObjectFiles, run_id: str, log: Log, text: str, offset: int, line: int
) -> Found:
    """Where `text` stands in a log, whatever the case, from a byte on, which begins the line of this number."""
    wanted = text.lower()
    hits: list[Hit] = []
    began, first, size = monotonic(), offset, 0
    while len(hits) < _MOST_HITS and offset - first < _MOST_SEARCHED and monotonic() - began < _MOST_SECONDS:

        def look(read: Read, at: int = offset, number: int = line) -> tuple[list[Hit], int, int, int]:
            return _look(read, objects, run_id, log, wanted, at, number)

        found, offset, line, size = await database.read(look)
        hits += found
        if offset >= size:
            break
    rest = {"log": log.name, "q": text, "from": str(offset), "line": str(line), **_asked(log.earlier)}
    more = with_query(log.page, rest) if offset < size else ""
    return Found(hits, f"{in_bytes(offset)} of {in_bytes(size)}" if more else "", more)


def _look(
    read: Read, objects: ObjectFiles, run_id: str, log: Log, wanted: str, at: int, number: int
) -> tuple[list[Hit], int, int, int]:
    """Hits among the whole lines of one read, the byte after them, their number of lines, the size of the log."""
    part = query.log_text(read, objects, run_id, log.name, offset=at, limit=_READ, attempt=log.earlier)
    is_end = part.next_offset >= part.size
    whole = part.data if is_end else part.data[: part.data.rfind(b"\n") + 1] or part.data
    hits: list[Hit] = []
    if wanted in console.without_escapes(whole.decode("utf-8", "replace")).lower():
        place = at
        for count, line in enumerate(whole.split(b"\n")):
            shown = console.shown(line.decode("utf-8", "replace")).open if len(line) < _READ else ""
            here = shown.lower().find(wanted)
            if here >= 0:
                begin = {"at": str(max(0, place - PART // 4)), **_asked(log.earlier)}
                address = with_query(log.page, {"log": log.name, **begin})
                hits.append(_hit(shown, here, len(wanted), number + count, address))
            place += len(line) + 1
    return hits, at + len(whole), number + whole.count(b"\n"), part.size


def _hit(line: str, at: int, length: int, number: int, address: str) -> Hit:
    before, after = line[max(0, at - _AROUND) : at], line[at + length : at + length + _AROUND]
    before = f"…{before}" if at > _AROUND else before
    return Hit(number, before, line[at : at + length], after, address)
