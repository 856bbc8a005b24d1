"""SQL of runs that come and go as folders: all rows of a run, whatever room they belong to."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import Read, Write
from faena.models import store as models
from faena.models.model import Search
from faena.portable.model import AttemptRecord, RunRecord
from faena.runs.attempt_store import attempts
from faena.runs.model import AttemptState, git_text
from faena.runs.phase_store import phases
from faena.runs.store import runs
from faena.tracking.model import RunFile
from faena.tracking.store.files import run_files
from faena.tracking.store.logs import segments
from faena.tracking.store.metric_chunks import chunks
from faena.tracking.store.metrics import series
from faena.tracking.store.packs import packs
from faena.tracking.store.streams import streams
from faena.workspaces.store import experiments


def row_of(read: Read, run_id: str) -> Any:
    """The run's row whether or not it is deleted; None where there is none."""
    return read.execute(sa.select(runs).where(runs.c.id == run_id)).first()


def attempts_of(read: Read, run_id: str) -> list[tuple[AttemptRecord, bool]]:
    """All attempts and ranks, and whether each is closed."""
    statement = attempts.select().where(attempts.c.run_id == run_id)
    return [
        (
            AttemptRecord(
                row.attempt,
                row.rank,
                row.node,
                msgspec.json.decode(row.outcome) if row.outcome else None,
            ),
            row.state == AttemptState.CLOSED.value,
        )
        for row in read.execute(statement.order_by(attempts.c.attempt, attempts.c.rank))
    ]


def models_of(read: Read, run_id: str) -> tuple[str, ...]:
    """`name:version`, by name."""
    found = sorted((model.name, model.version) for model in models.search(read, Search(run_id=run_id)))
    return tuple(f"{name}:{version}" for name, version in found)


def free_number(write: Write, experiment: str, wanted: int) -> int:
    """The number that a run had, where no run of the experiment has it; else the next one."""
    taken = sa.select(runs.c.id).where(runs.c.experiment == experiment, runs.c.number == wanted)
    given = write.execute(sa.select(experiments.c.runs).where(experiments.c.name == experiment)).scalar_one()
    number = given + 1 if wanted < 1 or write.execute(taken.limit(1)).first() else wanted
    if number > given:
        write.execute(experiments.update().where(experiments.c.name == experiment).values(runs=number))
    return int(number)


def add_run(write: Write, record: RunRecord, number: int, parent: str | None) -> None:
    write.execute(
        runs.insert().values(
            id=record.id,
            experiment=record.experiment,
            number=number,
            status=record.status,
            version=1,
            user=record.user,
            cluster=record.cluster,
            node_count=record.node_count,
            snapshot=record.snapshot,
            submission=msgspec.json.encode(record.submission),
            attempt=record.attempt,
            created_at=record.created_at,
            queued_at=record.queued_at,
            started_at=record.started_at,
            ended_at=record.ended_at,
            cancel_requested_at=record.cancel_requested_at,
            reserved=False,
            reason=record.reason,
            message=record.message,
            last_lines=msgspec.json.encode(record.last_lines),
            exit_code=record.exit_code,
            signal=record.signal,
            lock=record.lock_digest,
            python=record.python,
            parent=parent,
            type=record.type,
            name=record.name,
            commit=git_text(record.submission.git, "commit", 64),
            branch=git_text(record.submission.git, "branch"),
            description=record.description,
            archived_at=record.archived_at,
            threads=record.threads,
        )
    )
    rows = [
        {"run_id": record.id, "position": position, **msgspec.structs.asdict(phase)}
        for position, phase in enumerate(record.phases)
    ]
    if rows:
        write.execute(phases.insert(), rows)
    given = [
        {
            "run_id": record.id,
            "attempt": attempt.attempt,
            "rank": attempt.rank,
            "node": attempt.node,
            "state": AttemptState.CLOSED.value,
            "outcome": None if attempt.outcome is None else msgspec.json.encode(attempt.outcome),
        }
        for attempt in record.attempts
    ]
    if given:
        write.execute(attempts.insert(), given)


def add_files(write: Write, run_id: str, files: list[RunFile]) -> None:
    rows = [
        {
            "run_id": run_id,
            "name": file.name,
            "digest": file.digest,
            "size": file.size,
            "created_at": file.created_at,
        }
        for file in files
    ]
    if rows:
        write.execute(run_files.insert(), rows)


def forget_tracked(write: Write, run_id: str) -> None:
    """Remove what an import that was cut short left: metrics, logs and files of a run that is not there."""
    of_series = sa.select(series.c.id).where(series.c.run_id == run_id)
    of_streams = sa.select(streams.c.id).where(streams.c.run_id == run_id)
    write.execute(chunks.delete().where(chunks.c.series_id.in_(of_series)))
    write.execute(segments.delete().where(segments.c.stream_id.in_(of_streams)))
    for table in (series, streams, packs, run_files):
        write.execute(table.delete().where(table.c.run_id == run_id))
