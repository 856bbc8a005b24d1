"""What is said of traces: feedback, expectations."""

from __future__ import annotations

import os

from faena.db import Read, Write
from faena.kernel.errors import NotFound
from faena.traces import assessment_store, service
from faena.traces.model import Assessment


def new_id() -> str:
    return f"a-{os.urandom(16).hex()}"


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
