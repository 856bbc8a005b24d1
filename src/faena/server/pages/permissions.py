"""What whoever looks at a page may do: what would be refused is not offered."""

from __future__ import annotations

from faena.kernel.rights import Right
from faena.people.callers import CURRENT


def may(right: Right) -> bool:
    """Who is on the server's own host may all."""
    caller = CURRENT.get()
    return caller is None or caller.role.right >= right


def may_change() -> bool:
    return may(Right.CONTRIBUTE)


def may_delete() -> bool:
    return may(Right.OWN)


def person() -> str:
    """Who looks; empty: somebody on the server's own host."""
    caller = CURRENT.get()
    return "" if caller is None else caller.person
