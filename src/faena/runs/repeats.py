"""A request that comes again is answered as before; another one under the same id is refused by what differs."""

from __future__ import annotations

import msgspec

from faena.kernel.errors import Conflict
from faena.runs.model import Run


def refuse_other(existing: Run, kind: str, *pairs: tuple[msgspec.Struct, msgspec.Struct]) -> None:
    """`pairs`: what was asked for before and now. Raises Conflict that names the fields in which they differ."""
    differing = ["type"] if existing.type != kind else []
    differing += [name for before, asked in pairs for name in _differing(before, asked)]
    if differing:
        raise Conflict(
            f"Run {existing.id} exists already and was submitted differently: it differs in {', '.join(differing)}. "
            "Use a new id."
        )


def _differing(before: msgspec.Struct, asked: msgspec.Struct) -> list[str]:
    """As they are sent: 1 and True are equal to Python, and orders of keys are not the same."""
    return [
        name
        for name in asked.__struct_fields__
        if msgspec.json.encode(getattr(before, name)) != msgspec.json.encode(getattr(asked, name))
    ]
