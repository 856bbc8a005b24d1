"""What is here of a run that comes from MLflow, beside what it is to be."""

from __future__ import annotations

from faena.db import Read
from faena.mlflow.moving.wanted import Wanted
from faena.models.logged import uses
from faena.objects.contract import ObjectFiles
from faena.runs import record_store, store, used_datasets
from faena.runs.model import Run
from faena.tracking import files as run_files
from faena.tracking import whole_histories

IMPORTED = "imported_from"
"""The property of a run that says from where it came."""
_MOST_NAMED = 5
_FIELDS = ("experiment", "status", "started_at", "ended_at", "name", "user", "description")


def run(read: Read, run_id: str) -> Run | None:
    """Also one that was deleted."""
    return store.get(read, run_id)


def was_imported(read: Read, run_id: str) -> bool:
    return IMPORTED in record_store.list_properties(read, run_id)


def differences(read: Read, objects: ObjectFiles, wanted: Wanted) -> list[str]:
    """What is not as it is to be, by name; empty: it is the same to the last point."""
    there = store.get(read, wanted.id)
    if there is None:
        return ["it is not there"]
    found = [name for name in _FIELDS if getattr(there, name) != getattr(wanted, name)]
    if (there.archived_at is None) is not (wanted.archived_at is None):
        found.append("whether it is deleted")
    for what, mine, theirs in (
        ("parameters", record_store.list_parameters(read, [wanted.id])[wanted.id], wanted.params),
        ("tags", record_store.tags_of(read, wanted.id), wanted.tags),
        ("files", _files(read, wanted.id), {name: file.digest for name, file in wanted.files.items()}),
    ):
        if mine != theirs:
            names = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
            found.append(
                f"{what} ({', '.join(names[:_MOST_NAMED])}{', …' if len(names) > _MOST_NAMED else ''})"[:500]
            )
    datasets = {
        (each.name, each.digest) for each in used_datasets.of_runs(read, [wanted.id]).get(wanted.id, ())
    }
    if datasets != {(each.name, each.digest) for each in wanted.datasets}:
        found.append("data sets")
    used = {(use.model_id, use.role) for use in uses.of_runs(read, [wanted.id]).get(wanted.id, ())}
    if used != {(use.model_id, use.role) for use in wanted.uses}:
        found.append("logged models that it read or made")
    points = whole_histories.read(read, objects, wanted.id)
    for name in sorted(points.keys() | wanted.points.keys()):
        mine_, theirs_ = points.get(name), wanted.points.get(name)
        if mine_ is None or theirs_ is None or not whole_histories.same(mine_, theirs_):
            found.append(f"metric {name[:80]}")
    return found


def is_part(read: Read, objects: ObjectFiles, wanted: Wanted) -> bool:
    """Whether all that is here of a run is of what it is to be: it grew there since it was brought, and not here."""
    params = record_store.list_parameters(read, [wanted.id])[wanted.id]
    if any(wanted.params.get(name) != value for name, value in params.items()):
        return False
    if not record_store.tag_keys(read, wanted.id) <= wanted.tags.keys():
        return False
    if not _files(read, wanted.id).keys() <= wanted.files.keys():
        return False
    there = whole_histories.read(read, objects, wanted.id)
    return all(
        name in wanted.points and whole_histories.is_part(points, wanted.points[name])
        for name, points in there.items()
    )


def _files(read: Read, run_id: str) -> dict[str, str]:
    return {file.name: file.digest for file in run_files.files(read, run_id)}
