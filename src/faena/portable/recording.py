"""Gathers everything of a run's record from the rooms that keep it."""

from __future__ import annotations

import msgspec

from faena.data import service as snapshots
from faena.data.schemas import GitState
from faena.db import Read
from faena.environments import store as locks
from faena.portable import model, naming, store
from faena.portable.model import RunRecord
from faena.runs import phase_store, record_store, search, service, variables
from faena.runs.comments import store as comments
from faena.runs.schemas import NoteView, PhaseView
from faena.runs.submission_schemas import Submission
from faena.sweeps import archiving as sweeps
from faena.tracking import export as tracked
from faena.tracking import files as run_files
from faena.tracking.export import LoggedSeries
from faena.tracking.model import SCRIPT, SYSTEM, LogFile
from faena.tracking.store import logs as log_store


def of_run(read: Read, run_id: str, *, hide: bool = False) -> RunRecord:
    """The record of a run that has ended; `hide`: without its secrets. Raises NotFound."""
    run = service.get(read, run_id)
    submission = msgspec.json.decode(run.submission, type=Submission)
    lock = locks.get(read, run.lock) if run.lock else None
    series = tracked.every_series(read, run.id)
    pairs = {(each.attempt, each.row.source) for each in series}
    pairs |= {(attempt, SCRIPT) for attempt in tracked.spool_attempts(read, run.id)}
    files = run_files.files(read, run.id)
    places = naming.places_of_files(file.name for file in files)
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
        submission=variables.hidden(submission) if hide else variables.exported(submission),
        lock=lock,
        lock_digest=run.lock,
        tags=record_store.list_tags(read, [run.id])[run.id],
        properties=record_store.list_properties(read, run.id),
        parameters=record_store.list_parameters(read, [run.id])[run.id],
        notes=tuple(NoteView(code, message) for code, message in record_store.list_notes(read, run.id)),
        phases=tuple(
            PhaseView(row.name, row.attempt, row.started_at, row.ended_at)
            for row in phase_store.list_phases(read, run.id)
        ),
        attempts=tuple(attempt for attempt, _ in store.attempts_of(read, run.id)),
        code=snapshots.snapshot_files(read, run.snapshot) if run.snapshot else (),
        git=_git(submission) if run.snapshot else None,
        logs=_log_records([row.log for row in log_store.of_run(read, run.id)]),
        files=tuple(
            model.FileRecord(file.name, places[file.name], file.created_at, file.size, file.digest)
            for file in files
        ),
        metrics=tuple(_metric_record(each) for each in series),
        points=tuple(
            model.PointsRecord(attempt, source, model.place_of_points(attempt, source))
            for attempt, source in sorted(pairs)
            if source in (SCRIPT, SYSTEM)
        ),
        models=store.models_of(read, run.id),
        children=len(search.descendants(read, run.id)),
        threads=run.threads,
        sweep=sweeps.recorded(read, run.id),
        comments=tuple(comments.list_comments(read, run.id)),
    )


def _git(submission: Submission) -> GitState | None:
    try:
        return None if submission.git is None else msgspec.convert(submission.git, GitState)
    except msgspec.ValidationError:  # whoever submitted it said something of their own
        return None


def _log_records(logs: list[LogFile]) -> tuple[model.LogRecord, ...]:
    places = {
        (attempt, rank): naming.places_of_logs(
            attempt, rank, [log.name for log in logs if (log.attempt, log.rank) == (attempt, rank)]
        )
        for attempt, rank in {(log.attempt, log.rank) for log in logs}
    }
    return tuple(
        model.LogRecord(log.name, log.attempt, log.rank, places[log.attempt, log.rank][log.name], log.size)
        for log in logs
    )


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
