"""Puts the name of the person whose token asks in the place of the user that MLflow's client says it has."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from faena.mlflow.words import USER

_NAMES = ("user_id", "updated_by")
_LABELS = ("tags", "request_metadata")


def named(asked: Any, person: str) -> Any:
    """A request as this person's: nobody does anything in another's name."""
    changes: dict[str, Any] = {name: person for name in _NAMES if hasattr(asked, name)}
    for name in _LABELS:
        if (given := getattr(asked, name, None)) and (own := _labels(given, person)) is not None:
            changes[name] = own
    if getattr(asked, "key", None) == USER and hasattr(asked, "value"):
        changes["value"] = person
    return msgspec.structs.replace(asked, **changes) if changes else asked


def _labels(given: Any, person: str) -> Any:
    """In each of the forms that tags have; None: they name no user."""
    if isinstance(given, dict):
        return {**given, USER: person} if USER in given else None
    if isinstance(given, str):  # JSON within JSON
        return _in_text(given, person)
    if any(getattr(each, "key", None) == USER for each in given):
        return [_pair(each, person) for each in given]
    return None


def _pair(each: Struct, person: str) -> Struct:
    return msgspec.structs.replace(each, value=person) if getattr(each, "key", None) == USER else each


def _in_text(given: str, person: str) -> str | None:
    try:
        read = msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        return None  # refused where it is read
    if not isinstance(read, dict) or USER not in read:
        return None
    return msgspec.json.encode({**read, USER: person}).decode()
