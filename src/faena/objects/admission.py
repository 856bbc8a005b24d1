"""Who may send objects now, beyond the rights that routes ask: features add what they refuse."""

from __future__ import annotations

from collections.abc import Awaitable

from faena.db import Database
from faena.kernel.hooks import Hooks

before_put: Hooks[[Database, int], Awaitable[None]] = Hooks()
"""Asked before the first byte of an object is read. Each raises what it refuses with."""


async def ask(database: Database, size: int) -> None:
    """`size`: of what is to come, in bytes; 0: it is not known."""
    for each in before_put:
        await each(database, size)
