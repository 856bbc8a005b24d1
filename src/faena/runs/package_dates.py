"""As of which day a run's packages are, and who said so."""

from __future__ import annotations

import re

from faena.db import Write
from faena.environments import cutoffs
from faena.environments.model import Lock
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import dates
from faena.runs import record_store
from faena.runs.model import Run

PROPERTY = "faena.as_of"
"""Of a run whose submission names no day: which one was found, and how."""
_KEPT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) \((auto|default)\)")


def note(write: Write, run: Run, request: EnvironmentRequest, lock: Lock) -> None:
    """Keep the day that was found. A lock's own would not do: two days with the same packages share one lock."""
    if not lock.as_of or dates.parsed(request.as_of) is not None:
        return
    is_machines = not request.as_of and cutoffs.of_this_machine()[0] == lock.as_of
    record_store.add_properties(
        write, run.id, {PROPERTY: f"{lock.as_of} ({'default' if is_machines else 'auto'})"}
    )


def told(request: EnvironmentRequest, found: str) -> tuple[str, str]:
    """The day, and `given`, `default` (the experiment's, the workspace's, the submitter's or server's uv's) or `auto`;
    two empty texts for packages of no day. `found`: the run's `PROPERTY`."""
    if dates.parsed(request.as_of) is not None:
        return request.as_of, "default" if request.as_of == request.as_of_else else "given"
    kept = _KEPT.fullmatch(found)
    return (kept[1], kept[2]) if kept is not None and request.as_of != dates.TODAY else ("", "")
