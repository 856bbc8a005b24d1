"""How spans and traces name what they tell: by MLflow's clients and by the conventions of OpenTelemetry. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

KINDS = ("mlflow.spanType", "openinference.span.kind", "traceloop.span.kind", "gen_ai.operation.name")
"""Attributes, those that count most first, as in what follows."""
REQUESTS = ("mlflow.spanInputs", "input.value", "gen_ai.input.messages", "traceloop.entity.input")
RESPONSES = ("mlflow.spanOutputs", "output.value", "gen_ai.output.messages", "traceloop.entity.output")
NAME = "mlflow.traceName"
"""A trace's tag."""
_OWN = "mlflow."


def first(attributes: Mapping[str, Any], names: Sequence[str]) -> Any:
    """None where there is none of them, or they are empty."""
    return next((attributes[name] for name in names if attributes.get(name) not in (None, "")), None)


def as_json(value: Any) -> str:
    """As JSON, which a text may be already."""
    return value if isinstance(value, str) and is_json(value) else msgspec.json.encode(value).decode()


def is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


_T = TypeVar("_T")


def told_by_people(labels: Mapping[str, _T]) -> dict[str, _T]:
    """Tags and attributes without those that a client keeps for itself."""
    return {key: value for key, value in labels.items() if not key.startswith(_OWN)}
