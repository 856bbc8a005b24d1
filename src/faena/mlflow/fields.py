"""Requests as MLflow's clients send them: a query string or JSON, numbers also as text, unknown fields passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from faena.mlflow.errors import MlflowError, invalid_value, missing_value
from faena.mlflow.requests import ById

MOST_BYTES = 16 << 20
"""Of a body."""
_LONGEST_QUERY = 200_000
_MOST_FIELDS = 20_000

T = TypeVar("T", bound=Struct)


REQUIRED = msgspec.Meta(extra={"required": True})
"""Marks a field that must be there and not be empty: `Annotated[str | None, REQUIRED]`."""


def of_body(kind: type[T], body: bytes, is_json: bool) -> T:
    """Read a JSON body; none at all is an empty one. Raises MlflowError naming the field."""
    if body and not is_json:
        raise MlflowError("Bad Request. Content-Type must be one of ['application/json'].")
    try:
        read = msgspec.json.decode(body or b"{}", type=kind, strict=False)
    except msgspec.ValidationError as error:
        read = _without_nulls(kind, body, error)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise _malformed(error) from error
    return _complete(kind, read)


def of_query(kind: type[T], query: bytes) -> T:
    """Read a query string; of a field that is repeated, all values where it is a list, else the first."""
    if len(query) > _LONGEST_QUERY:
        raise MlflowError(f"The query has {len(query):,} bytes; at most {_LONGEST_QUERY:,} are read.")
    try:
        given = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise MlflowError(f"The query cannot be read: {error}.") from error
    values: dict[str, Any] = {}
    for name, value in given:
        if name in _lists(kind):
            values.setdefault(name, []).append(value)
        else:
            values.setdefault(name, value)
    return of_values(kind, values)


def of_values(kind: type[T], values: Mapping[str, Any]) -> T:
    """Raises MlflowError naming the field that cannot be read."""
    try:
        read = msgspec.convert(values, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(kind, values, error) from error
    return _complete(kind, read)


def _complete(kind: type[T], read: T) -> T:
    if isinstance(read, ById):
        read.check()
    for name in _required(kind):
        if getattr(read, name) in (None, ""):
            raise missing_value(name)
    return read


def _malformed(error: Exception) -> MlflowError:
    return MlflowError(f"The request's body is not JSON: {error}.", "BAD_REQUEST")


def _without_nulls(kind: type[T], body: bytes, error: msgspec.ValidationError) -> T:
    """The same where a field that is null is one that is not there. Raises MlflowError naming what is wrong."""
    try:
        values = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as malformed:
        raise _malformed(malformed) from malformed  # what is wrong with a field was seen first
    if not isinstance(values, dict):
        raise MlflowError("The request's body is no JSON object.", "BAD_REQUEST") from error
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return msgspec.convert(given, type=kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise _invalid(kind, given, wrong) from wrong


def _invalid(kind: type[Struct], values: Mapping[str, Any], error: msgspec.ValidationError) -> MlflowError:
    """Names the first field that cannot be read by itself."""
    known = hints(kind)
    for name, value in values.items():
        if name in known:
            try:
                msgspec.convert(value, type=known[name], strict=False)
            except msgspec.ValidationError:
                return invalid_value(name, value, f" Hint: Value was of type '{type(value).__name__}'.")
    return MlflowError(f"{error}.")


@cache
def hints(kind: type[Struct]) -> dict[str, Any]:
    """The fields of a request, each with what it may be."""
    return get_type_hints(kind, include_extras=True)


@cache
def _required(kind: type[Struct]) -> Sequence[str]:
    return [name for name, hint in hints(kind).items() if _is_required(hint)]


def _is_required(hint: Any) -> bool:
    marks = getattr(hint, "__metadata__", ())
    return any(mark is REQUIRED for mark in marks) or any(
        _is_required(part) for part in get_args(hint) if part is not NoneType and get_origin(hint) is not list
    )


@cache
def _lists(kind: type[Struct]) -> frozenset[str]:
    return frozenset(
        name
        for name, hint in hints(kind).items()
        if any(get_origin(part) in (list, tuple) for part in (hint, *get_args(hint)))
    )
