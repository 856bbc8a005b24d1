"""Tags and metadata of traces: what is too long is cut, never refused."""

from __future__ import annotations

from collections.abc import Mapping

from faena.mlflow.errors import missing_value

_LONGEST_KEY, _LONGEST_VALUE = 250, 8000


def read(given: Mapping[str, str | None]) -> dict[str, str]:
    """Raises MlflowError for a key that is none."""
    if "" in given:
        raise missing_value("key")
    return {key[:_LONGEST_KEY]: (value or "")[:_LONGEST_VALUE] for key, value in given.items()}
