"""Writes a run into a folder. All of it blocks: for a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from faena.data import service as snapshots
from faena.data.schemas import GitState
from faena.db import Database, Read
from faena.environments import store as locks
from faena.kernel.clock import Clock
from faena.kernel.errors import Conflict, NotFound, ServiceException
from faena.objects.files import ObjectFiles
from faena.portable import folder, model, store
from faena.portable.folder import Writer
from faena.portable.model import ChildEntry, FileEntry, Manifest, RunRecord
from faena.portable.schemas import ExportView
from faena.runs import search, service
from faena.runs import store as run_store
from faena.runs.model import Run
from faena.runs.schemas import NoteView, PhaseView, Submission
from faena.tracking import export as tracked
from faena.tracking import files as run_files
from faena.tracking import query
from faena.tracking.export import LoggedSeries
from faena.tracking.model import SCRIPT, SYSTEM, LogFile
from faena.tracking.store import logs as log_store

_LOG_PART = 4 << 20
_COLUMNS = ("name", "time", "step", "value")


@dataclass(frozen=True, slots=True)
class Parts:
    """What export and import work with."""

    database: Database
    objects: ObjectFiles
    clock: Clock


def check(parts: Parts, run_id: str, *, children: bool) -> None:
    """Refuse before a folder is made. Raises as `export` does."""
    parts.database.submit_read(lambda read: _family(read, run_id, children=children)).result()


def export(parts: Parts, run_id: str, target: Path, *, children: bool) -> ExportView:
    """Write the run, and the runs below it on request, into an empty folder.

    Raises Conflict for a run, or a child, that has not ended; nothing is left in the folder when it fails.
    """
    run, below = parts.database.submit_read(lambda read: _family(read, run_id, children=children)).result()
    written: list[Writer] = []
    try:
        entries = []
        for child in below if children else ():
            writer = Writer(target / model.CHILDREN / child.id)
            entries.append(ChildEntry(child.id, _write(parts, child, writer, (), 0)))
            written.append(writer)
        writer = Writer(target)
        _write(parts, run, writer, tuple(entries), len(below))
        written.append(writer)
    except BaseException as error:
        folder.discard(target)
        if isinstance(error, OSError):
            raise folder.translated(error, target) from error
        raise
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


def _write(parts: Parts, run: Run, writer: Writer, children: tuple[ChildEntry, ...], below: int) -> str:
    """Write one run; the digest of its manifest."""
    read = parts.database.submit_read
    record = read(lambda view: _record(view, run, below)).result()
    _write_code(parts, writer, record)
    for file in record.files:
        _copy(parts, writer, file.path, file.sha256)
    for log in record.logs:
        writer.write(log.path, _log(parts, run.id, log))
    series = read(lambda view: tracked.every_series(view, run.id)).result()
    for points in record.points:
        mine = [each for each in series if (each.attempt, each.row.source) == (points.attempt, points.source)]
        writer.write(points.path, _spool(parts, mine))
        writer.write(points.path.removesuffix(".spool") + ".csv", _table(parts, mine))
    writer.write(model.RECORD, [msgspec.json.format(msgspec.json.encode(record), indent=2)])

    def manifest(entries: tuple[FileEntry, ...]) -> bytes:
        made = Manifest(model.FORMAT, model.VERSION, model.THIS_FAENA, run.id, entries, children)
        return msgspec.json.format(msgspec.json.encode(made), indent=1)

    # a child is whole when the run above it is: what lies below waits for the disk once
    return writer.finish(manifest, settle=writer.root.parent.name != model.CHILDREN)


def _record(read: Read, run: Run, below: int) -> RunRecord:
    run = service.get(read, run.id)
    submission = msgspec.json.decode(run.submission, type=Submission)
    lock = locks.get(read, run.lock) if run.lock else None
    series = tracked.every_series(read, run.id)
    pairs = {(each.attempt, each.row.source) for each in series}
    pairs |= {(attempt, SCRIPT) for attempt in tracked.spool_attempts(read, run.id)}
    assert run.ended_at is not None
    return RunRecord(
        id=run.id,
        experiment=run.experiment,
        number=run.number,
        name=run.name,
        type=run.type,
        status=run.status.value,
        reason=run.reason.value if run.reason else None,
        message=run.message,
        exit_code=run.exit_code,
        signal=run.signal,
        last_lines=msgspec.json.decode(run.last_lines or b"[]", type=tuple[str, ...]),
        user=run.user,
        cluster=run.cluster,
        node_count=run.node_count,
        attempt=run.attempt,
        created_at=run.created_at,
        queued_at=run.queued_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        cancel_requested_at=run.cancel_requested_at,
        archived_at=run.archived_at,
        description=run.description,
        parent=run.parent,
        snapshot=run.snapshot,
        python=run.python,
        submission=submission,
        lock=lock,
        lock_digest=run.lock,
        tags=run_store.list_tags(read, [run.id])[run.id],
        properties=run_store.list_properties(read, run.id),
        parameters=run_store.list_parameters(read, [run.id])[run.id],
        notes=tuple(NoteView(code, message) for code, message in run_store.list_notes(read, run.id)),
        phases=tuple(
            PhaseView(row.name, row.attempt, row.started_at, row.ended_at)
            for row in run_store.list_phases(read, run.id)
        ),
        attempts=tuple(attempt for attempt, _ in store.attempts_of(read, run.id)),
        code=snapshots.snapshot_files(read, run.snapshot) if run.snapshot else (),
        git=_git(submission),
        logs=tuple(_log_record(row.log) for row in log_store.of_run(read, run.id)),
        files=tuple(
            model.FileRecord(
                file.name, model.place_of_file(file.name), file.created_at, file.size, file.digest
            )
            for file in run_files.files(read, run.id)
        ),
        metrics=tuple(_metric_record(each) for each in series),
        points=tuple(
            model.PointsRecord(attempt, source, model.place_of_points(attempt, source))
            for attempt, source in sorted(pairs)
            if source in (SCRIPT, SYSTEM)
        ),
        models=store.models_of(read, run.id),
        children=below,
    )


def _git(submission: Submission) -> GitState | None:
    try:
        return None if submission.git is None else msgspec.convert(submission.git, GitState)
    except msgspec.ValidationError:  # whoever submitted it said something of their own
        return None


def _log_record(log: LogFile) -> model.LogRecord:
    path = model.place_of_log(log.attempt, log.rank, log.name)
    return model.LogRecord(log.name, log.attempt, log.rank, path, log.size)


def _metric_record(series: LoggedSeries) -> model.MetricRecord:
    row = series.row
    return model.MetricRecord(
        series.attempt,
        row.source,
        row.name,
        row.summary.count,
        row.summary.first_time,
        row.summary.last_time,
    )


def _write_code(parts: Parts, writer: Writer, record: RunRecord) -> None:
    for file in record.code:
        path = f"{model.CODE}/{file.path}"
        _copy(parts, writer, path, file.digest, executable=file.executable)
    if record.git is not None and record.git.diff_digest:
        _copy(parts, writer, model.DIFF, record.git.diff_digest)


def _copy(parts: Parts, writer: Writer, path: str, digest: str, *, executable: bool = False) -> None:
    try:
        source = parts.objects.open(digest)
    except NotFound as error:
        raise ServiceException(
            f"The bytes of {path!r} are gone from the workspace (object {digest}), so that the run is not whole any "
            "more. Restore it from a backup of the workspace."
        ) from error
    writer.copy(path, source, digest, executable=executable)


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
    for number, each in enumerate(series, 1):
        yield tracked.name_frame(number, each.row.name)
        for part in tracked.points(parts.database, parts.objects, each):
            yield from tracked.frames(number, part)


def _table(parts: Parts, series: list[LoggedSeries]) -> Iterator[bytes]:
    yield ",".join(_COLUMNS).encode() + b"\n"
    for each in series:
        for part in tracked.points(parts.database, parts.objects, each):
            yield tracked.table(each.row.name, part).encode()
