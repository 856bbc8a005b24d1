"""Puts the name of the person who asks into what is asked: nobody does anything in another's name."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, get_args, get_origin

from msgspec import Struct
from msgspec.structs import replace

from faena.kernel.user_names import OfCaller
from faena.server.host_fields import hints


def named(kind: Any, value: Any, person: str) -> Any:
    """`value`: a body, read as a `kind`. The same, with the person's name where a field is marked for one."""
    if not concerns(kind) or value is None:
        return value
    if get_origin(kind) is Annotated:
        kind, *marks = get_args(kind)
        if any(isinstance(mark, OfCaller) for mark in marks):
            return person
    if isinstance(value, Struct):
        fields = hints(type(value)).items()
        return replace(value, **{name: named(hint, getattr(value, name), person) for name, hint in fields})
    inner = next(each for each in get_args(kind) if concerns(each))
    if isinstance(value, (list, tuple)):
        return type(value)(named(inner, each, person) for each in value)
    return named(inner, value, person)


@cache
def concerns(kind: Any) -> bool:
    """Whether a value of this type may name who asks."""
    if get_origin(kind) is Annotated and any(isinstance(mark, OfCaller) for mark in get_args(kind)[1:]):
        return True
    if isinstance(kind, type) and issubclass(kind, Struct):
        return any(concerns(hint) for hint in hints(kind).values())
    return any(concerns(each) for each in get_args(kind) if isinstance(each, type) or get_origin(each))
