"""Assessments of traces: feedback, expectations and issues, in MLflow's words."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from faena.db import Write
from faena.kernel.clock import Micros
from faena.mlflow.errors import MlflowError, invalid_value, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.services import Services
from faena.mlflow.tracing import labels, times, views
from faena.traces import assessing, assessment_store
from faena.traces.model import Assessment, Verdict

_LONGEST_NAME, _LONGEST_TEXT = 250, 100_000
_SOURCES = ("SOURCE_TYPE_UNSPECIFIED", "HUMAN", "LLM_JUDGE", "CODE")
_JUDGES = {"AI_JUDGE": "LLM_JUDGE"}
"""Earlier words."""
_ID = re.compile(r"[\w.:\-]{1,64}")


class Source(Struct):
    source_type: str | int | None = None
    source_id: str | None = None


class Serialized(Struct):
    value: str | None = None
    serialization_format: str | None = None


class Feedback(Struct):
    value: Any = None
    error: dict[str, str | None] | None = None


class Expectation(Struct):
    value: Any = None
    serialized_value: Serialized | None = None


class Issue(Struct):
    issue_name: str | None = None


class Given(Struct):
    assessment_id: str | None = None
    assessment_name: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    source: Source | None = None
    create_time: str | None = None
    last_update_time: str | None = None
    feedback: Feedback | None = None
    expectation: Expectation | None = None
    issue: Issue | None = None
    rationale: str | None = None
    metadata: dict[str, str] = {}
    overrides: str | None = None
    valid: bool = True


class Create(Struct):
    trace_id: str = ""
    assessment: Annotated[Given | None, REQUIRED] = None


class ById(Struct):
    trace_id: str = ""
    assessment_id: str = ""


class Update(ById):
    assessment: Annotated[Given | None, REQUIRED] = None
    update_mask: Annotated[str | dict[str, list[str]] | None, REQUIRED] = None


def create(services: Services, asked: Create) -> Any:
    if asked.assessment is None:
        raise missing_value("assessment")
    assessment = made(asked.assessment, asked.trace_id, services.now())

    def work(write: Write) -> dict[str, Any]:
        assessing.add(write, assessment)
        return {"assessment": views.assessment(assessment)}

    return services.database.write(work)


def get(services: Services, asked: ById) -> Any:
    return services.database.read(
        lambda read: {
            "assessment": views.assessment(assessing.get(read, asked.trace_id, asked.assessment_id))
        }
    )


def update(services: Services, asked: Update) -> Any:
    given, mask, now = asked.assessment or Given(), _mask(asked.update_mask), services.now()

    def work(write: Write) -> dict[str, Any]:
        before = assessing.get(write, asked.trace_id, asked.assessment_id)
        after = msgspec.structs.replace(before, **_changes(before, given, mask), changed_at=now)
        assessment_store.put(write, after)
        return {"assessment": views.assessment(after)}

    return services.database.write(work)


def delete(services: Services, asked: ById) -> Any:
    return services.database.write(lambda write: assessing.remove(write, asked.trace_id, asked.assessment_id))


def made(given: Given, trace_id: str, now: Micros) -> Assessment:
    """Raises MlflowError where it is none."""
    kind, value, error = _value(given)
    source = given.source or Source()
    if given.assessment_id and not _ID.fullmatch(given.assessment_id):
        raise invalid_value("assessment_id", given.assessment_id, "at most 64 letters, digits and _-.:")
    return Assessment(
        id=given.assessment_id or assessing.new_id(),
        trace_id=trace_id,
        name=_name(given.assessment_name),
        kind=kind,
        value=value,
        error=error,
        created_at=now if given.create_time is None else times.read(given.create_time, "create_time"),
        changed_at=now
        if given.last_update_time is None
        else times.read(given.last_update_time, "last_update_time"),
        rationale=_text(given.rationale, "rationale"),
        source_kind=_source(source.source_type),
        source_id=_text(source.source_id, "source_id") or "",
        span_id=given.span_id or None,
        metadata=labels.read(given.metadata),
        overrides=given.overrides or None,
        is_valid=given.valid,
    )


def _value(given: Given) -> tuple[Verdict, Any, dict[str, Any] | None]:
    said = [each for each in (given.feedback, given.expectation, given.issue) if each is not None]
    if len(said) != 1:
        raise MlflowError("Exactly one of `expectation`, `feedback`, or `issue` should be specified.")
    match said[0]:
        case Feedback(value=value, error=error):
            return Verdict.FEEDBACK, _sized(value), _sized(error)
        case Issue(issue_name=name):
            return Verdict.ISSUE, _text(name, "issue_name") or "", None
        case Expectation(value=None, serialized_value=Serialized(value=text)) if text is not None:
            return Verdict.EXPECTATION, _decoded(text), None
        case Expectation(value=value):
            return Verdict.EXPECTATION, _sized(value), None
    raise AssertionError(said)


def _decoded(text: str) -> Any:
    if len(text) > _LONGEST_TEXT:
        raise invalid_value("serialized_value", text, f"at most {_LONGEST_TEXT:,} characters")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise invalid_value("serialized_value", text, "JSON") from error


def _sized(value: Any) -> Any:
    if len(msgspec.json.encode(value)) > _LONGEST_TEXT:
        raise invalid_value("value", "...", f"at most {_LONGEST_TEXT:,} bytes of JSON")
    return value


def _changes(before: Assessment, given: Given, mask: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "assessment_name" in mask:
        found["name"] = _name(given.assessment_name)
    if mask & {"feedback", "expectation"}:
        kind, value, error = _value(given)
        if kind is not before.kind:
            raise MlflowError(
                f"Cannot update {kind.value} value on {before.kind.value.capitalize()} assessment."
            )
        found |= {"value": value, "error": error}
    if "rationale" in mask:
        found["rationale"] = _text(given.rationale, "rationale")
    if "metadata" in mask:
        found["metadata"] = before.metadata | labels.read(given.metadata)
    if "valid" in mask:
        found["is_valid"] = given.valid
    return found


def _mask(given: str | dict[str, list[str]] | None) -> set[str]:
    """Names of fields: a text of them with commas between, as JSON has it, or a list."""
    names = given.get("paths", []) if isinstance(given, dict) else (given or "").split(",")
    return {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name.strip()) for name in names[:100]}


def _name(given: str | None) -> str:
    if not given:
        raise missing_value("assessment_name")
    if len(given) > _LONGEST_NAME:
        raise invalid_value("assessment_name", given, f"at most {_LONGEST_NAME} characters")
    return given


def _text(given: str | None, name: str) -> str | None:
    if given is not None and len(given) > _LONGEST_TEXT:
        raise invalid_value(name, given, f"at most {_LONGEST_TEXT:,} characters")
    return given


def _source(given: str | int | None) -> str:
    if given is None:
        return _SOURCES[0]
    word = _SOURCES[given] if isinstance(given, int) and 0 <= given < len(_SOURCES) else str(given)
    word = _JUDGES.get(word, word)
    if word not in _SOURCES:
        raise invalid_value("source_type", given, f"one of {', '.join(_SOURCES)}")
    return word
