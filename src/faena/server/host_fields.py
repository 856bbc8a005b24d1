"""Refuses what names a path or process of the server's host to whoever is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from litestar.types import Scope
from msgspec import Struct

from faena.kernel.errors import UserErrorException
from faena.kernel.on_host import OnHost


def refuse_elsewhere(scope: Scope, kind: Any, value: Any) -> None:
    """`value`: a body, read as a `kind`. Raises UserErrorException where its sender may not mean this host."""
    if not scope.get("state", {}).get("by_gateway"):
        return
    for name, mark, found in of_host(kind, value):
        raise UserErrorException(
            f"{name} is {str(found)[:200]!a}, {mark.what} of the server's host, which counts over its Unix socket "
            f"only. {mark.instead}"
        )


def of_host(kind: Any, value: Any, name: str = "The body") -> Iterator[tuple[str, OnHost, Any]]:
    """What in a value of type `kind` names something of the host: the field's name, its mark, what it is."""
    if not concerns(kind) or value is None:
        return
    if get_origin(kind) is Annotated:
        kind, *marks = get_args(kind)
        for mark in marks:
            if isinstance(mark, OnHost) and mark.counts(value):
                yield name, mark, value
    if isinstance(value, Struct):
        for field, hint in hints(type(value)).items():
            yield from of_host(hint, getattr(value, field), field)
        return
    inner = [each for each in get_args(kind) if concerns(each)]
    if isinstance(value, Mapping):
        value = list(value.values())
    for each in value if isinstance(value, (list, tuple)) else [value]:
        for hint in inner:
            yield from of_host(hint, each, name)


@cache
def concerns(kind: Any) -> bool:
    """Whether a value of this type may name something of the host."""
    if get_origin(kind) is Annotated and any(isinstance(mark, OnHost) for mark in get_args(kind)[1:]):
        return True
    if isinstance(kind, type) and issubclass(kind, Struct):
        return any(concerns(hint) for hint in hints(kind).values())
    return any(
        concerns(each) for each in get_args(kind) if each is not Ellipsis and not isinstance(each, OnHost)
    )


@cache
def hints(kind: type[Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)
