"""Which right a route asks of a person. Each route states one (`opt=READ`): one that states none is for nobody."""

from __future__ import annotations

from enum import IntEnum

_NAME = "right"


class Right(IntEnum):
    """Whoever has one has those below it, too."""

    READ = 1
    CONTRIBUTE = 2
    """Add, and change what is there."""
    OWN = 3
    """Delete, take back deletions, and what concerns the workspace as a whole, its people and its machines."""
    HOST = 4
    """No person's: for who is on the server's host, and for nodes, whose listener has rules of its own."""


READ = {_NAME: Right.READ}
CONTRIBUTE = {_NAME: Right.CONTRIBUTE}
OWN = {_NAME: Right.OWN}
HOST = {_NAME: Right.HOST}


def right_of(options: dict[str, object]) -> Right | None:
    """What a route with these options states; None: nothing."""
    found = options.get(_NAME)
    return found if isinstance(found, Right) else None
