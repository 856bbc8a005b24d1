"""What of a run can be had again, and what cannot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from faena.compute import store as clusters
from faena.compute.gpus import gpu_ids
from faena.data import patterns, sources
from faena.data import store as snapshots
from faena.data.datasets import store as datasets
from faena.db import Database, Read
from faena.environments import archives, host
from faena.environments import store as locks
from faena.environments.model import Lock
from faena.environments.ready import ready_python
from faena.kernel.clock import Micros, iso
from faena.kernel.errors import FaenaError
from faena.objects.contract import ObjectFiles
from faena.runs import checkpoints, inputs, left_files, record_store, service
from faena.runs.model import Run
from faena.runs.schemas import Obstacle
from faena.runs.submission_schemas import DataInput, Submission
from faena.workspaces.model import WorkspaceFolder

_ON_THE_CPU = {"no_gpu", "gpu_on_cpu"}
"""Notes of a run that asked for a GPU and had none either."""
_NAMED = 5
"""Files that a message names."""


def submission_of(read: Read, run_id: str) -> Submission:
    """What was asked for. Raises NotFound."""
    return msgspec.json.decode(service.get(read, run_id).submission, type=Submission)


def obstacles(
    database: Database, objects: ObjectFiles, folder: WorkspaceFolder, run_id: str, cluster: str | None
) -> list[Obstacle]:
    """What keeps a run from being had again as it was: on `cluster`, its own unless told. Blocks.

    Data count as changed when a file or folder of them changed after the run began: nobody kept their bytes.
    """
    run, submission, lock, notes = database.submit_read(lambda read: _asked(read, run_id)).result()
    found = [*_of_snapshot(database, objects, run), *_of_lock(run, lock)]
    for data in submission.inputs:
        found += _of_data(database, folder, run, data)
    if (given := submission.checkpoint) is not None:
        gone = database.submit_read(lambda read: checkpoints.missing(read, given)).result()
        found += [Obstacle("data", gone)] if gone else []
    name = submission.cluster if cluster is None else cluster
    there = database.submit_read(lambda read: clusters.cluster(read, name)).result()
    if there is None:
        found.append(Obstacle("cluster", f"There is no cluster {name[:80]!r} in this workspace."))
    elif there.max_nodes < submission.node_count:
        said = f"The run had {submission.node_count} nodes, and cluster {name!r} has max_nodes={there.max_nodes}."
        found.append(Obstacle("cluster", said))
    had_none = _ON_THE_CPU & notes
    if submission.gpu != "none" and not had_none and not gpu_ids():
        found.append(Obstacle("gpu", "The run had a GPU, and this machine has none."))
    return found


def _asked(read: Read, run_id: str) -> tuple[Run, Submission, Lock | None, set[str]]:
    run = service.get(read, run_id)
    lock = locks.get(read, run.lock) if run.lock else None
    return run, submission_of(read, run_id), lock, {code for code, _ in record_store.list_notes(read, run_id)}


def _of_snapshot(database: Database, objects: ObjectFiles, run: Run) -> Iterator[Obstacle]:
    files = database.submit_read(lambda read: snapshots.files(read, run.snapshot)).result()
    if files is None:
        yield Obstacle("snapshot", f"The snapshot {run.snapshot[:12] or '(none)'} is not in this workspace.")
        return
    missing = sorted(file.path for file in files if objects.size(file.digest) != file.size)
    if missing:
        yield Obstacle(
            "snapshot",
            f"The bytes of {_listed(missing)} in the source folder are damaged or gone. `faena repair` looks for them.",
        )


def _of_lock(run: Run, lock: Lock | None) -> Iterator[Obstacle]:
    if lock is None:
        yield Obstacle("environment", "What its environment held is not known: the run never had one.")
        return
    if not lock.built:
        yield Obstacle(
            "environment",
            f"The interpreter {lock.interpreter.path} was used as it is: whether it holds the same packages now is not "
            "known.",
        )
    gone = [each.given or each.name for each in lock.archives if not archives.is_there(each)]
    if gone and ready_python(lock.digest) is None:
        yield Obstacle(
            "environment",
            f"The package {_listed(gone)} came from a disk and is not on this machine any more.",
        )
    try:
        host.named(lock)
    except FaenaError as error:
        yield Obstacle("environment", error.message)


def _of_data(database: Database, folder: WorkspaceFolder, run: Run, data: DataInput) -> Iterator[Obstacle]:
    if data.mode == "upload":  # what the run wrote
        return
    if data.run:
        gone = database.submit_read(lambda read: left_files.missing(read, data)).result()
        yield from [Obstacle("data", gone)] if gone else []
        return
    if data.dataset and database.submit_read(lambda read: datasets.get(read, data.dataset)).result() is None:
        yield Obstacle(
            "data", f"The data set of the input {data.name!r}, {data.dataset}, is not in this workspace."
        )
        return
    try:
        order = database.submit_read(lambda read: inputs.in_place(read, data, folder)).result()
        began = run.started_at or run.created_at
        changed: list[str] = []
        for source in order["sources"]:
            if url := source.get("url"):
                yield Obstacle(
                    "data",
                    f"The input {data.name!r} comes from {url[:200]}: whether it is still the same cannot be known.",
                )
            else:
                changed += _changed_since(source, began)
    except FaenaError as error:
        yield Obstacle("data", f"The input {data.name!r}: {error.message}")
        return
    if changed:
        yield Obstacle(
            "data",
            f"The input {data.name!r} changed after the run began at {iso(began)}: {_listed(sorted(changed))}.",
        )


def _changed_since(source: dict[str, str], began: Micros) -> list[str]:
    """Files that were written, and folders in which files were added or removed. Raises as `sources.files_of` does."""
    root = sources.root_of(source)
    files, base, _ = sources.files_of(root, source["path"], source["datastore"])
    changed = [file.path for file in files if file.place.stat().st_ctime_ns // 1000 > began]
    top = root / patterns.fixed_part(source["path"])
    if top.is_dir():
        for place, _, _ in os.walk(top):
            if Path(place).stat().st_mtime_ns // 1000 > began:
                changed.append((Path(place).relative_to(root).as_posix().removeprefix(".") or base) + "/")
    return changed


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
