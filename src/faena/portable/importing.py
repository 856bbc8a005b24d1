"""Takes an exported run into a workspace. All of it blocks: for a thread of its own.

Bytes, metrics and logs come first, in many short transactions; the run itself comes last, in one. What is there without
its run, because an import was cut short, goes before the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from faena.data import store as snapshots
from faena.data.schemas import Snapshot
from faena.db import Write
from faena.environments import store as locks
from faena.kernel.errors import Conflict, UserErrorException
from faena.objects import store as objects
from faena.people import callers
from faena.portable import reading, sameness, store
from faena.portable.exporting import Parts
from faena.portable.model import CODE, DIFF, PointsRecord, RunRecord
from faena.portable.reading import Exported
from faena.portable.schemas import ImportView
from faena.runs import record_store, transitions
from faena.runs.comments import service as comments
from faena.runs.schemas import NoteView
from faena.sweeps import archiving as sweeps
from faena.tracking import ingest, metric_tail, sealing, spool
from faena.tracking.model import LOG, SPOOL, SYSTEM, RunFile, StreamKey
from faena.tracking.store import streams
from faena.workspaces import store as workspaces

_PART = 4 << 20
_LOG_PART = 1 << 20
_OBJECTS_TOGETHER = 200
_WRITER = "import"
"""Of the spool that an imported run's metrics come from; those of the runner keep its name."""


def take(parts: Parts, root: Path) -> ImportView:
    """Import the run in a folder, and those below it that were exported with it; those that are here stay as they are.

    Raises Conflict, before anything is imported, where one of the ids belongs to another run, and UserErrorException
    for a folder that is not whole.
    """
    found = [_in_the_askers_name(each) for each in reading.read(root)]
    here = {each.record.id: _look(parts, each.record) for each in found}
    imported = []
    for exported in found:
        if not here[exported.record.id]:
            _import(parts, exported)
            imported.append(exported.record.id)
    row = parts.database.submit_read(lambda read: store.row_of(read, found[0].record.id)).result()
    return ImportView(
        run=row.id,
        experiment=row.experiment,
        number=row.number,
        imported=imported,
        models=[name for each in found for name in each.record.models],
        left_out=max(0, found[0].record.children - len(found[0].manifest.children)),
    )


def _in_the_askers_name(exported: Exported) -> Exported:
    record = exported.record
    if (user := callers.in_whose_name(record.user)) == record.user:
        return exported
    told = NoteView("imported_of", f"Where it was exported, it was {record.user}'s.")
    return replace(exported, record=replace(record, user=user, notes=(*record.notes, told)))


def _look(parts: Parts, record: RunRecord) -> bool:
    """Whether the run is here already. Raises Conflict where the id belongs to another one."""
    return parts.database.submit_read(lambda read: sameness.is_here(read, record)).result()


def _import(parts: Parts, exported: Exported) -> None:
    record = exported.record
    write = parts.database.submit_write
    write(partial(_forget, run_id=record.id)).result()
    try:
        references = _take_objects(parts, exported)
        attempts = {points.attempt for points in record.points} | {log.attempt for log in record.logs}
        for attempt in sorted(attempts):
            for points in record.points:
                if points.attempt == attempt:
                    _take_points(parts, exported, points)
            _take_logs(parts, exported, attempt)
            sealing.seal(parts.database, parts.objects, record.id, attempt, parts.clock)
        write(partial(_finish, record=record, references=references, now=parts.clock.now())).result()
    except BaseException as error:
        write(partial(_forget, run_id=record.id)).result()
        if isinstance(error, OSError | OverflowError):  # a number that no database takes
            raise UserErrorException(f"{exported.root} cannot be imported: {error}.") from error
        raise


def _forget(write: Write, run_id: str) -> None:
    if store.row_of(write, run_id) is None:
        store.forget_tracked(write, run_id)


def _take_objects(parts: Parts, exported: Exported) -> set[str]:
    """Copy code and files into the object store; the digests that the snapshot refers to."""
    record, root = exported.record, exported.root
    wanted = {file.digest: f"{CODE}/{file.path}" for file in record.code}
    if record.git is not None and record.git.diff_digest:
        wanted[record.git.diff_digest] = DIFF
    references = set(wanted)
    wanted |= {file.sha256: file.path for file in record.files}
    digests = list(wanted)
    for start in range(0, len(digests), _OBJECTS_TOGETHER):
        together = digests[start : start + _OBJECTS_TOGETHER]
        sizes: dict[str, int] = {}
        done = parts.objects.put_files([root / wanted[digest] for digest in together])
        for digest, found in zip(together, done, strict=True):
            if isinstance(found, UserErrorException):
                raise found
            if found[0] != digest:
                raise UserErrorException(
                    f"{root / wanted[digest]} changed while it was read. Stop what writes to it."
                )
            sizes[digest] = found[1]
        _touch(parts, sizes)
    return references


def _touch(parts: Parts, sizes: dict[str, int]) -> None:
    now = parts.clock.now()
    parts.database.submit_write(lambda write: objects.touch(write, sizes, now)).result()


def _take_points(parts: Parts, exported: Exported, points: PointsRecord) -> None:
    """In the order in which the metrics were first logged, so that those of one time keep it."""
    writer = SYSTEM if points.source == SYSTEM else _WRITER
    key = StreamKey(exported.record.id, points.attempt, 0, SPOOL + writer)
    parts.database.submit_write(lambda write: ingest.append(write, key, 0, b"", parts.clock.now())).result()
    of_points = (points.attempt, points.source)
    metrics = [m.name for m in exported.record.metrics if (m.attempt, m.source) == of_points]
    order = {name: place for place, name in enumerate(metrics)}
    for batch in _batches(exported.root / points.path):

        def keep(write: Write, batch: spool.Batch = batch) -> None:
            names = sorted(batch.points, key=lambda name: order.get(name, len(order)))
            metric_tail.append(write, key, {name: batch.points[name] for name in names})
            stream = streams.find(write, key)
            assert stream is not None
            streams.advance(write, stream, stream.offset + batch.consumed)

        parts.database.submit_write(keep).result()


def _batches(path: Path) -> Iterator[spool.Batch]:
    names: dict[int, str] = {}
    with path.open("rb") as file:
        rest = b""
        while data := file.read(_PART):
            batch = spool.read(rest + data, names, _WRITER)
            rest = (rest + data)[batch.consumed :]
            names |= batch.defined
            if batch.bad_bytes:
                break
            yield batch
        else:
            if not rest:
                return
    raise UserErrorException(f"{path} holds what is no frame of a spool. Export the run anew.")


def _take_logs(parts: Parts, exported: Exported, attempt: int) -> None:
    for log in exported.record.logs:
        if log.attempt != attempt:
            continue
        key = StreamKey(exported.record.id, attempt, log.rank, LOG + log.name)
        offset = 0
        with (exported.root / log.path).open("rb") as file:
            while True:
                data = file.read(_LOG_PART)
                append = partial(ingest.append, key=key, offset=offset, data=data, now=parts.clock.now())
                parts.database.submit_write(append).result()
                offset += len(data)
                if not data:
                    break


def _finish(write: Write, record: RunRecord, references: set[str], now: int) -> None:
    """Everything that makes it a run of this workspace, in one transaction."""
    if store.row_of(write, record.id) is not None:
        raise Conflict(f"Run {record.id} came to be while it was imported. Import it again.")
    sameness.check_points(write, record)
    workspaces.create_experiment(write, record.experiment, now)
    number = store.free_number(write, record.experiment, record.number)
    if record.snapshot:
        snapshots.put(write, Snapshot(record.code, record.snapshot, record.git), references, now)
    if record.lock is not None:
        locks.put(write, record.lock, now)
    parent = record.parent if record.parent and store.row_of(write, record.parent) is not None else None
    store.add_run(write, record, number, parent)
    record_store.set_tags(write, record.id, record.tags)
    record_store.add_properties(write, record.id, record.properties)
    record_store.add_parameters(write, record.id, record.parameters)
    for note in record.notes:
        record_store.add_note(write, record.id, note.code, note.message)
    if parent != record.parent:
        record_store.add_note(
            write,
            record.id,
            "imported",
            f"The run that it was started by, {record.parent}, was not imported.",
        )
    comments.take(write, record.id, record.comments)
    if record.sweep is not None:
        sweeps.take(write, record.id, record.submission, record.sweep)
    files = [RunFile(file.name, file.size, file.sha256, file.created_at) for file in record.files]
    store.add_files(write, record.id, files)
    write.notify(transitions.topic(record.id))
