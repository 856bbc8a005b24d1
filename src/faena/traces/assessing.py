"""What is said of traces: feedback, expectations."""

from __future__ import annotations

import os

import msgspec

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException
from faena.traces import assessment_store, service
from faena.traces.model import Assessment, Verdict
from faena.traces.schemas import AssessmentGiven

_LONGEST_NAME, _LONGEST_TEXT, _MOST_METADATA = 250, 100_000, 100
_SOURCES = ("HUMAN", "CODE", "LLM_JUDGE")


def new_id() -> str:
    return f"a-{os.urandom(16).hex()}"


def made(trace_id: str, given: AssessmentGiven, now: Micros) -> Assessment:
    """What somebody says, as it is kept. Raises UserErrorException for what cannot be."""
    if not given.name or len(given.name) > _LONGEST_NAME:
        raise UserErrorException(f"The name of what is said of a trace has 1 to {_LONGEST_NAME} characters.")
    if given.kind not in (kinds := [each.value for each in Verdict]):
        raise UserErrorException(f"kind is {given.kind[:80]!r}. Use one of {', '.join(kinds)}.")
    if given.source_kind not in _SOURCES:
        raise UserErrorException(
            f"source_kind is {given.source_kind[:80]!r}. Use one of {', '.join(_SOURCES)}."
        )
    texts = (given.rationale or "", given.source_id, *given.metadata, *given.metadata.values())
    if max(map(len, (msgspec.json.encode(given.value), *texts))) > _LONGEST_TEXT:
        raise UserErrorException(f"What is said of a trace has at most {_LONGEST_TEXT:,} bytes.")
    if len(given.metadata) > _MOST_METADATA:
        raise UserErrorException(f"metadata has at most {_MOST_METADATA} entries.")
    return Assessment(
        id=new_id(),
        trace_id=trace_id,
        name=given.name,
        kind=Verdict(given.kind),
        value=given.value,
        created_at=now,
        changed_at=now,
        rationale=given.rationale,
        source_kind=given.source_kind,
        source_id=given.source_id,
        span_id=given.span_id,
        metadata=given.metadata,
    )


def add(write: Write, assessment: Assessment) -> None:
    """Where it overrides another one, that is valid no more. Raises NotFound, also for what it overrides."""
    service.get(write, assessment.trace_id)
    if assessment.overrides and not assessment_store.set_valid(
        write, assessment.trace_id, assessment.overrides, False
    ):
        raise _missing(assessment.trace_id, assessment.overrides)
    assessment_store.put(write, assessment)


def get(read: Read, trace_id: str, assessment_id: str) -> Assessment:
    """Raises NotFound."""
    found = assessment_store.get(read, trace_id, assessment_id)
    if found is None:
        service.get(read, trace_id)
        raise _missing(trace_id, assessment_id)
    return found


def remove(write: Write, trace_id: str, assessment_id: str) -> None:
    """What it overrode is valid again. Nothing happens where there is none."""
    found = assessment_store.get(write, trace_id, assessment_id)
    if found is None:
        return
    assessment_store.delete(write, trace_id, assessment_id)
    if found.overrides:
        assessment_store.set_valid(write, trace_id, found.overrides, True)


def _missing(trace_id: str, assessment_id: str) -> NotFound:
    return NotFound(f"Assessment with ID '{assessment_id[:100]}' not found for trace '{trace_id[:100]}'")
