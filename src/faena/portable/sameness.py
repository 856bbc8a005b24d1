"""Whether a run in a folder and one of a workspace are the same."""

from __future__ import annotations

import msgspec

from faena.db import Read
from faena.kernel.errors import Conflict, UserErrorException
from faena.portable import store
from faena.portable.model import RunRecord
from faena.runs import variables
from faena.runs.submission_schemas import Submission
from faena.tracking import export as tracked
from faena.tracking import files as run_files

_FIELDS = (
    "experiment",
    "status",
    "reason",
    "type",
    "user",
    "cluster",
    "node_count",
    "snapshot",
    "attempt",
    "created_at",
    "started_at",
    "ended_at",
    "exit_code",
    "signal",
)
"""What never changes once a run has ended: tags, notes and the like do, and its number where it was imported."""


def is_here(read: Read, record: RunRecord) -> bool:
    """Raises Conflict, saying what differs, where the id belongs to another run, or to one that was deleted."""
    row = store.row_of(read, record.id)
    if row is None:
        return False
    if row.deletion is not None:
        raise Conflict(
            f"Run {record.id} was deleted in this workspace. `faena undelete {row.deletion}` brings it back; once it "
            "is collected it can be imported."
        )
    differ = [name for name in _FIELDS if getattr(row, name) != getattr(record, name)]
    if row.lock != record.lock_digest:
        differ.append("environment")
    asked = msgspec.json.decode(row.submission, type=Submission)
    if variables.hidden(asked) != variables.hidden(record.submission):
        differ.append("submission")
    differ += _files_that_differ(read, record) + _metrics_that_differ(read, record)
    if differ:
        raise Conflict(
            f"Run {record.id} is in this workspace and is another one: it differs in {', '.join(differ[:10])}. "
            "Import it into another workspace."
        )
    return True


def check_points(read: Read, record: RunRecord) -> None:
    """See that what was read from spools is what the record tells of. Raises UserErrorException naming a metric."""
    there = _series(read, record.id)
    wanted = _wanted(record)
    for key in sorted(there.keys() | wanted.keys()):
        if there.get(key) != wanted.get(key):
            raise UserErrorException(
                f"The points of the metric {key[2]!r} are not those that {record.id} had. Export the run anew."
            )


def _files_that_differ(read: Read, record: RunRecord) -> list[str]:
    """Files may have been added or removed since; one of the same name has other bytes in another run only."""
    there = {file.name: file.digest for file in run_files.files(read, record.id)}
    return [file.name for file in record.files if there.get(file.name, file.sha256) != file.sha256]


def _metrics_that_differ(read: Read, record: RunRecord) -> list[str]:
    there, wanted = _series(read, record.id), _wanted(record)
    return [f"metric {key[2]}" for key in wanted if there.get(key, wanted[key]) != wanted[key]]


_Key = tuple[int, str, str]
_Extent = tuple[int, int, int]


def _series(read: Read, run_id: str) -> dict[_Key, _Extent]:
    return {
        (each.attempt, each.row.source, each.row.name): (
            each.row.summary.count,
            each.row.summary.first_time,
            each.row.summary.last_time,
        )
        for each in tracked.every_series(read, run_id)
    }


def _wanted(record: RunRecord) -> dict[_Key, _Extent]:
    return {(m.attempt, m.source, m.name): (m.count, m.first_time, m.last_time) for m in record.metrics}
