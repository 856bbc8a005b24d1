"""Writes a run into a folder. All of it blocks: for a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.errors import Conflict, NotFound, ServiceException
from faena.objects.contract import ObjectFiles
from faena.portable import model, recording, store
from faena.portable.folder import Writer
from faena.portable.model import ChildEntry, FileEntry, Manifest, RunRecord
from faena.portable.schemas import ExportView
from faena.runs import search, service
from faena.runs.model import Run
from faena.tracking import export as tracked
from faena.tracking import query
from faena.tracking.export import LoggedSeries

_LOG_PART = 4 << 20
_COLUMNS = ("name", "time", "step", "value")


class Parts(Struct, frozen=True):
    """What export and import work with."""

    database: Database
    objects: ObjectFiles
    clock: Clock


def check(parts: Parts, run_id: str, *, children: bool) -> None:
    """Refuse before a folder is made. Raises as `export` does."""
    parts.database.submit_read(lambda read: _family(read, run_id, children=children)).result()


def export(parts: Parts, run_id: str, target: Path, *, children: bool, hide: bool = False) -> ExportView:
    """Write the run, and the runs below it on request, into a folder that `places.for_export` gave.

    `hide`: without the secrets among its variables.

    Raises Conflict for a run, or a child, that has not ended, and OSError.
    """
    run, below = parts.database.submit_read(lambda read: _family(read, run_id, children=children)).result()
    written: list[Writer] = []
    entries: list[ChildEntry] = []
    for child in below if children else ():
        written.append(Writer(target / model.CHILDREN / child.id))
        entries.append(ChildEntry(child.id, _write(parts, child.id, written[-1], hide=hide)))
    written.append(Writer(target))
    _write(parts, run.id, written[-1], tuple(entries), hide=hide)
    files = [entry for writer in written for entry in writer.entries]
    return ExportView(
        run=run.id,
        folder=str(target),
        files=len(files) + len(written),
        size=sum(entry.size for entry in files),
        children=[entry.id for entry in entries],
        left_out=len(below) - len(entries),
    )


def _family(read: Read, run_id: str, *, children: bool) -> tuple[Run, list[Run]]:
    run = service.get(read, run_id)
    below = search.descendants(read, run_id)
    for member in (run, *(below if children else ())):
        is_open = not all(closed for _, closed in store.attempts_of(read, member.id))
        if not member.status.is_terminal() or is_open:
            state = member.shown_status if not member.status.is_terminal() else "being finished"
            raise Conflict(
                f"Run {member.id} has not ended: it is {state}. Export it when it has, or `faena cancel {member.id}`."
            )
    return run, below


def _write(
    parts: Parts, run_id: str, writer: Writer, children: tuple[ChildEntry, ...] = (), *, hide: bool
) -> str:
    """Write one run; the digest of its manifest."""
    read = parts.database.submit_read
    record = read(lambda view: recording.of_run(view, run_id, hide=hide)).result()
    _write_code(parts, writer, record)
    for file in record.files:
        _copy(parts, writer, file.path, file.sha256)
    for log in record.logs:
        writer.write(log.path, _log(parts, run_id, log))
    series = read(lambda view: tracked.every_series(view, run_id)).result()
    for points in record.points:
        mine = [each for each in series if (each.attempt, each.row.source) == (points.attempt, points.source)]
        writer.write(points.path, _spool(parts, mine))
        writer.write(points.path.removesuffix(".spool") + ".csv", _table(parts, mine))
    # The variables that a run was given are for its owner alone, whoever may look into the folder.
    writer.write(model.RECORD, [msgspec.json.format(msgspec.json.encode(record), indent=2)], mode=0o600)

    def manifest(entries: tuple[FileEntry, ...]) -> bytes:
        made = Manifest(model.FORMAT, model.VERSION, model.THIS_FAENA, run_id, entries, children)
        return msgspec.json.format(msgspec.json.encode(made), indent=1)

    # a child is whole when the run above it is: what lies below waits for the disk once
    return writer.finish(manifest, settle=writer.root.parent.name != model.CHILDREN)


def _write_code(parts: Parts, writer: Writer, record: RunRecord) -> None:
    for file in record.code:
        path = f"{model.CODE}/{file.path}"
        _copy(parts, writer, path, file.digest, executable=file.executable)
    if record.git is not None and record.git.diff_digest:
        _copy(parts, writer, model.DIFF, record.git.diff_digest)


def _copy(parts: Parts, writer: Writer, path: str, digest: str, *, executable: bool = False) -> None:
    try:
        source = parts.objects.open_unverified(digest)
    except NotFound as error:
        raise ServiceException(
            f"The bytes of {path!r} are gone from the workspace (object {digest}), so that the run is not whole any "
            "more. Restore it from a backup of the workspace."
        ) from error
    writer.copy(path, source, digest, parts.objects.found_damaged, executable=executable)


def _log(parts: Parts, run_id: str, log: model.LogRecord) -> Iterator[bytes]:
    offset = 0
    while offset < log.size:
        ask = partial(
            query.log_text,
            objects=parts.objects,
            run_id=run_id,
            name=log.name,
            offset=offset,
            limit=_LOG_PART,
            attempt=log.attempt,
            rank=log.rank,
        )
        chunk = parts.database.submit_read(ask).result()
        yield chunk.data
        offset = chunk.next_offset


def _spool(parts: Parts, series: list[LoggedSeries]) -> Iterator[bytes]:
    named = -1
    for place, part in tracked.points(parts.database, parts.objects, series):
        if place > named:
            yield tracked.name_frame(place, series[place].row.name)
            named = place
        yield from tracked.frames(place, part)


def _table(parts: Parts, series: list[LoggedSeries]) -> Iterator[bytes]:
    yield ",".join(_COLUMNS).encode() + b"\n"
    for place, part in tracked.points(parts.database, parts.objects, series):
        yield tracked.table(series[place].row.name, part).encode()
