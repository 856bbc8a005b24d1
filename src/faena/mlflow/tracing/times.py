"""Times and lengths of time as protocol buffers' JSON has them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from faena.kernel.clock import Micros
from faena.mlflow.errors import invalid_value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LENGTH = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?s")
_LONGEST = 40


def shown(at: Micros) -> str:
    """To the millisecond, as MLflow's own clients keep it."""
    return f"{_EPOCH + timedelta(milliseconds=at // 1000):%Y-%m-%dT%H:%M:%S}.{at // 1000 % 1000:03d}Z"


def read(text: str | None, name: str) -> Micros:
    """Raises MlflowError."""
    try:
        if text is None or len(text) > _LONGEST:
            raise ValueError
        at = datetime.fromisoformat(text)
        found = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError) as error:
        raise invalid_value(name, text, "a time such as 2026-01-31T12:00:00.5Z") from error
    if found < timedelta():
        raise invalid_value(name, text, "a time since 1970")
    return found // timedelta(microseconds=1)


def length_shown(length: Micros) -> str:
    return f"{length // 1_000_000}.{length // 1000 % 1000:03d}s"


def read_length(text: str | None, name: str) -> Micros | None:
    """Raises MlflowError."""
    if text is None:
        return None
    if (found := _LENGTH.fullmatch(text)) is None:
        raise invalid_value(name, text, "seconds such as 1.5s")
    return int(found[1]) * 1_000_000 + int((found[2] or "").ljust(6, "0")[:6])
