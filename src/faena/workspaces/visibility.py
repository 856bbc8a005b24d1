"""Whose experiments are: what somebody keeps to themselves is not there for others, or for some to be read alone.

What is read lacks such rows (`faena.db.hiding`). What is written asks here, once it has the row.
"""

from __future__ import annotations

from faena.db import Read, Write
from faena.db.hiding import EVERYTHING
from faena.kernel.errors import Conflict, NotAllowed


def is_there(read: Read, experiment: str | int) -> bool:
    """By name or number, for whoever the work is done for.

    Raises NotAllowed where they are about to change what they may only read.
    """
    view = read.view
    if view is EVERYTHING:
        return True
    if _is_among(experiment, view.hidden):
        return False
    if isinstance(read, Write) and _is_among(experiment, view.read_only):
        raise NotAllowed(
            f"The experiment {experiment!r} was shared with you to be read. Ask its owner for more: "
            "`faena experiment sharing` names them."
        )
    return True


def _is_among(experiment: str | int, named: dict[int, str]) -> bool:
    return experiment in (named if isinstance(experiment, int) else named.values())


def ask_for_new_run(write: Write, experiment: str) -> None:
    """Raises Conflict where an experiment of that name is somebody else's, and NotAllowed as above."""
    if not is_there(write, experiment):
        raise Conflict(
            f"Somebody else has an experiment called {experiment[:80]!r}, and keeps it to themselves. Use another name."
        )
