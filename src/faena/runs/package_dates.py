"""As of which day a run's packages are, and who said so."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from faena.db import Read, Write
from faena.environments import cutoffs
from faena.environments.model import Lock
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import dates
from faena.runs import record_store
from faena.runs.model import Run

PROPERTY = "faena.as_of"
"""Of a run whose submission names no day: which one was found, and how."""
_KEPT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) \((auto|default)\)")


def note(write: Write, run_id: str, request: EnvironmentRequest, lock: Lock) -> None:
    """Keep the day that was found. A lock's own would not do: two days with the same packages share one lock."""
    if lock.as_of and dates.parsed(request.as_of) is None:
        is_machines = not request.as_of and cutoffs.of_this_machine()[0] == lock.as_of
        found = f"{lock.as_of} ({'default' if is_machines else 'auto'})"
        record_store.add_properties(write, run_id, {PROPERTY: found})


def hand_on(write: Write, from_run: str, to_run: str) -> None:
    """What was found for a run holds for another one of the same environment, too."""
    if found := record_store.property_of(write, [from_run], PROPERTY).get(from_run):
        record_store.add_properties(write, to_run, {PROPERTY: found})


class _Asked(msgspec.Struct):
    """What a list of runs needs of each submission, which is not read whole for it."""

    environment: EnvironmentDates = msgspec.field(default_factory=lambda: EnvironmentDates())


class EnvironmentDates(msgspec.Struct):
    as_of: str = ""
    as_of_else: str = ""


def of_many(read: Read, runs: Sequence[Run]) -> dict[str, tuple[str, str]]:
    """As `told`, of each run of a list."""
    kept = record_store.property_of(read, [run.id for run in runs], PROPERTY)
    return {run.id: told(_asked(run).environment, kept.get(run.id, "")) for run in runs}


def _asked(run: Run) -> _Asked:
    try:
        return msgspec.json.decode(run.submission, type=_Asked)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Asked()  # the run's own error tells of it


def told(request: EnvironmentRequest | EnvironmentDates, found: str) -> tuple[str, str]:
    """The day, and `given`, `default` (the experiment's, the workspace's, the submitter's or server's uv's) or `auto`;
    two empty texts for packages of no day. `found`: the run's `PROPERTY`."""
    if dates.parsed(request.as_of) is not None:
        return request.as_of, "default" if request.as_of == request.as_of_else else "given"
    kept = _KEPT.fullmatch(found)
    return (kept[1], kept[2]) if kept is not None and request.as_of != dates.TODAY else ("", "")
