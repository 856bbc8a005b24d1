"""MLflow's words for what we call otherwise: states, times, numbers, pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.mlflow.errors import invalid_value
from faena.runs.model import RunStatus
from faena.traces.conventions import NAME

ACTIVE, DELETED = "active", "deleted"
"""What is archived here is deleted in MLflow's words: it is hidden, and can be had again."""
ACTIVE_ONLY, DELETED_ONLY, ALL = "ACTIVE_ONLY", "DELETED_ONLY", "ALL"
RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
PARENT = "mlflow.parentRunId"
USER = "mlflow.user"
TRACE_NAME = NAME
SOURCE_RUN = "mlflow.sourceRun"
ARTIFACT_LOCATION = "mlflow.artifactLocation"
SPANS_LOCATION = "mlflow.trace.spansLocation"
STORED_HERE = "TRACKING_STORE"
"""Of a trace whose spans are with it, not in a file."""
SIZE_STATS = "mlflow.trace.sizeStats"
LINKED_PROMPTS = "mlflow.linkedPrompts"

_STATES = {
    "RUNNING": RunStatus.RUNNING,
    "SCHEDULED": RunStatus.RUNNING,
    "FINISHED": RunStatus.COMPLETED,
    "FAILED": RunStatus.FAILED,
    "KILLED": RunStatus.CANCELED,
}
_SHOWN = {
    RunStatus.COMPLETED: "FINISHED",
    RunStatus.FAILED: "FAILED",
    RunStatus.CANCELED: "KILLED",
    RunStatus.RUNNING: "RUNNING",
    RunStatus.FINALIZING: "RUNNING",
}
STATES_OF = {
    "RUNNING": ("Running", "Finalizing"),
    "SCHEDULED": ("NotStarted", "Preparing", "Queued", "Starting"),
    "FINISHED": ("Completed",),
    "FAILED": ("Failed",),
    "KILLED": ("Canceled",),
}
"""Ours by MLflow's."""


class Pair(Struct, frozen=True):
    key: str | None = None
    value: str | None = None


def pairs(given: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in given.items()]


def state(word: str) -> RunStatus:
    """Raises MlflowError for a word that is none."""
    if (found := _STATES.get(word)) is None:
        raise invalid_value("status", word, f"one of {', '.join(_STATES)}")
    return found


def state_word(status: RunStatus) -> str:
    return _SHOWN.get(status, "SCHEDULED")


def millis(at: Micros) -> int:
    return at // 1000


def micros(at: int, name: str) -> Micros:
    """Raises MlflowError for a time that no clock shows."""
    if not 0 <= at < 2**63 // 1000:
        raise invalid_value(name, at, "milliseconds since 1970")
    return at * 1000


def number(value: float | None) -> float | str:
    """As JSON has it; what JSON has no number for is text."""
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def lifecycle(archived_at: Micros | None) -> str:
    return ACTIVE if archived_at is None else DELETED


def without_empty(given: Mapping[str, Any]) -> dict[str, Any]:
    """As protobuf writes it: what is not there is left out."""
    return {name: value for name, value in given.items() if value is not None}


def joined(names: Iterable[str]) -> str:
    return ", ".join(names)
