"""Traces that come from MLflow, with their spans and what was said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from faena.db import Database, Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.mlflow.artifacts import addresses
from faena.mlflow.errors import MlflowError
from faena.mlflow.moving import spans, wanted
from faena.mlflow.moving.schemas import CHANGED, HERE, NEW, REFUSED, Taken, TraceGiven
from faena.mlflow.tracing import assessments
from faena.mlflow.words import ARTIFACT_LOCATION, micros
from faena.objects import store as object_rows
from faena.traces import assessment_store, span_store, store
from faena.traces.model import Assessment, Span, Trace, TraceFile, TraceStatus
from faena.tracking.model import StoredFile
from faena.workspaces import store as workspaces

_LONGEST_ID = 64
_LONGEST_KEY = 255
_LONGEST_PREVIEW = 1000
_STATUS = {"OK": TraceStatus.OK, "ERROR": TraceStatus.FAILED, "IN_PROGRESS": TraceStatus.IN_PROGRESS}


class _Wanted(msgspec.Struct, frozen=True):
    trace: Trace
    spans: list[Span]
    files: dict[str, StoredFile]
    notes: list[str]


def take(database: Database, given: Sequence[TraceGiven], now: Micros, *, look: bool) -> list[Taken]:
    """What became of each, in their order. One that is wrong stops none of the others. Blocks."""
    answers: list[Taken] = []
    for each in given:
        try:
            if look:
                answers.append(database.submit_read(partial(_would, given=each, now=now)).result())
            else:
                answers.append(database.submit_write(partial(_take, given=each, now=now)).result())
        except (UserErrorException, MlflowError) as error:
            answers.append(Taken(each.id, REFUSED, [error.message]))
    return answers


def _would(read: Read, given: TraceGiven, now: Micros) -> Taken:
    """One whose experiment is not here yet would come behind it."""
    if workspaces.get_experiment(read, given.experiment) is None:
        size = sum(file.size for file in given.files.values())
        return Taken(given.id, NEW, files=len(given.files), size=size)
    return _look(read, given, now)


def _take(write: Write, given: TraceGiven, now: Micros) -> Taken:
    found = _look(write, given, now)
    if found.outcome == NEW:
        kept = _wanted(write, given, now)
        object_rows.touch(write, {file.digest: file.size for file in kept.files.values()}, now)
        store.add(write, kept.trace)
        span_store.put(write, kept.spans)
        for said in kept.trace.assessments:
            assessment_store.put(write, said)
        for name, file in kept.files.items():
            store.put_file(write, given.id, TraceFile(name, file.digest, file.size))
    return found


def _look(read: Read, given: TraceGiven, now: Micros) -> Taken:
    kept = _wanted(read, given, now)
    trace = kept.trace
    there = store.get(read, given.id)
    size = sum(file.size for file in kept.files.values())
    answer = Taken(given.id, NEW if there is None else HERE, kept.notes, files=len(kept.files), size=size)
    if there is None:
        return answer
    fields = (
        "experiment_id",
        "run_id",
        "began_at",
        "ended_at",
        "status",
        "tags",
        "metadata",
        "request",
        "response",
    )
    differ = [name for name in fields if getattr(there, name) != getattr(trace, name)]
    if {file.path: file.digest for file in store.files_of(read, given.id)} != _digests(kept.files):
        differ.append("files")
    if {span.id for span in span_store.of_traces(read, [given.id])[given.id]} != {
        span.id for span in kept.spans
    }:
        differ.append("spans")
    if {said.id for said in there.assessments} != {said.id for said in trace.assessments}:
        differ.append("assessments")
    return Taken(given.id, CHANGED, [f"it differs in {', '.join(differ)}"]) if differ else answer


def _digests(files: Mapping[str, StoredFile]) -> dict[str, str]:
    return {name: file.digest for name, file in files.items()}


def _wanted(read: Read, given: TraceGiven, now: Micros) -> _Wanted:
    """Raises UserErrorException and MlflowError for a trace that cannot be kept at all."""
    if len(ids.check_run_id(given.id)) > _LONGEST_ID:
        raise UserErrorException(f"{given.id[:80]!a} is longer than the id of a trace can be.")
    experiment = workspaces.get_experiment(read, given.experiment)
    if experiment is None or experiment.id is None:
        raise UserErrorException(f"Its experiment {given.experiment[:80]!r} is not here.")
    notes: list[str] = []
    began = micros(given.began_ms, "beginning")
    tags = {key[:_LONGEST_KEY]: value for key, value in given.tags.items()}
    trace = Trace(
        id=given.id,
        experiment_id=experiment.id,
        began_at=began,
        run_id=given.run_id,
        ended_at=None if given.took_ms is None else began + given.took_ms * 1000,
        status=_STATUS.get(given.status, TraceStatus.IN_PROGRESS),
        tags={**tags, ARTIFACT_LOCATION: addresses.of_trace(experiment.id, given.id)},
        metadata={key[:_LONGEST_KEY]: value for key, value in given.metadata.items()},
        request=None if given.request is None else given.request[:_LONGEST_PREVIEW],
        response=None if given.response is None else given.response[:_LONGEST_PREVIEW],
        client_request_id=None if given.client_request_id is None else given.client_request_id[:_LONGEST_KEY],
        is_whole=True,
        assessments=_assessments(given, now, notes),
    )
    found = spans.read(given.id, given.spans, given.told_spans, notes)
    return _Wanted(trace, found, wanted.stored(given.files, notes), notes)


def _assessments(given: TraceGiven, now: Micros, notes: list[str]) -> list[Assessment]:
    made: list[Assessment] = []
    for each in given.assessments:
        try:
            said = msgspec.convert(each, assessments.Given, strict=False)
            made.append(assessments.made(said, given.id, now))
        except (MlflowError, msgspec.ValidationError) as error:
            notes.append(f"an assessment of it cannot be read: {str(error)[:200]}")
    return made
