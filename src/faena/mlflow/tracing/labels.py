"""Tags and metadata of traces: what is too long is cut, never refused."""

from __future__ import annotations

from collections.abc import Mapping

from faena.mlflow.checks import MOST_TOGETHER
from faena.mlflow.errors import MlflowError, missing_value
from faena.mlflow.words import ARTIFACT_LOCATION, SPANS_LOCATION, USER

_LONGEST_KEY, _LONGEST_VALUE = 250, 8000
_FIXED = frozenset({ARTIFACT_LOCATION, SPANS_LOCATION, USER})
"""Tags that say where the rest of a trace is, or who made it."""


def read(given: Mapping[str, str | None]) -> dict[str, str]:
    """Raises MlflowError for a key that is none."""
    if len(given) > MOST_TOGETHER:
        raise MlflowError(
            f"{len(given):,} tags or metadata were given; a request has at most {MOST_TOGETHER:,}."
        )
    if "" in given:
        raise missing_value("key")
    return {key[:_LONGEST_KEY]: (value or "")[:_LONGEST_VALUE] for key, value in given.items()}


def one(key: str | None, value: str | None) -> dict[str, str]:
    """A tag that somebody sets by itself. Raises MlflowError for a key that is too long, or not theirs to set."""
    check_mutable(key, "set")
    if len(key or "") > _LONGEST_KEY:
        raise MlflowError(f"'key' exceeds the maximum length of {_LONGEST_KEY} characters")
    return read({key or "": value})


def check_mutable(key: str | None, what: str) -> None:
    if key in _FIXED:
        raise MlflowError(f"Tag '{key}' is immutable and cannot be {what} on a trace.")
