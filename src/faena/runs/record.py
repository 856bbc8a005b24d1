"""What is added to a run's record beside what its script writes: tags, properties, files, a snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from faena.data import store as snapshots
from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, SnapshotException, UserErrorException
from faena.kernel.tag_rules import LONGEST_KEY, LONGEST_VALUE, MOST_MARKS, check_marks
from faena.objects.contract import ObjectFiles
from faena.runs import record_store, service, store, transitions
from faena.runs.model import INTERACTIVE
from faena.runs.schemas import RunChange, RunView
from faena.script.frames import EVENT, frame
from faena.tracking import files as run_files
from faena.tracking import ingest, query
from faena.tracking.model import SPOOL, StoredFile, StreamKey, check_name

_OWN_LOGS = "azureml-logs/"
_STREAM = f"{SPOOL}record"
"""The spool of what is logged from outside, in the form of those that scripts write."""


def set_tags(write: Write, run_id: str, values: Mapping[str, str]) -> RunView:
    """Set tags, or change them. Raises NotFound, and UserErrorException naming a key that cannot be one."""
    run = service.get(write, run_id)
    check_marks("tag", values, record_store.tag_keys(write, run_id))
    record_store.set_tags(write, run_id, values)
    return _changed(write, run.id)


def take_tags(write: Write, run_id: str, values: Mapping[str, str]) -> int:
    """Set the tags that a script has set itself, as many as may be; how many there was no room for."""
    there = record_store.tag_keys(write, run_id)
    taken = {}
    for key, value in values.items():
        if key in there or len(there) < MOST_MARKS:
            there.add(key)
            taken[key] = value
    record_store.set_tags(write, run_id, taken)
    return len(values) - len(taken)


def remove_tags(write: Write, run_id: str, keys: Iterable[str]) -> RunView:
    """Remove the tags of these keys; silent about those that are not there. Raises NotFound."""
    run = service.get(write, run_id)
    record_store.remove_tags(write, run_id, keys)
    return _changed(write, run.id)


def add_properties(write: Write, run_id: str, values: Mapping[str, str]) -> RunView:
    """Add properties, all or none; the same value again changes nothing.

    Raises Conflict naming a property that has another value: properties never change.
    """
    run = service.get(write, run_id)
    there = record_store.list_properties(write, run_id)
    check_marks("property", values, there)
    for key, value in values.items():
        if there.get(key, value) != value:
            raise Conflict(
                f"Run {run_id} has the property {key!r} already: {there[key][:80]!r}. Properties never change; "
                "use a tag for what may, or another key."
            )
    record_store.add_properties(write, run_id, values)
    return _changed(write, run.id)


def change(write: Write, run_id: str, wanted: RunChange, now: Micros) -> RunView:
    """Change the run's name, its description, whether it is archived.

    Raises NotFound, and UserErrorException for a text that is too long.
    """
    run = service.get(write, run_id)
    changes: dict[str, str | Micros | None] = {}
    if wanted.name is not None:
        if len(wanted.name) > LONGEST_KEY or not all(map(str.isprintable, wanted.name)):
            raise UserErrorException(
                f"{wanted.name[:80]!r} cannot be a name. Use {LONGEST_KEY} printable characters at most."
            )
        changes["name"] = wanted.name or None
    if wanted.description is not None:
        if len(wanted.description) > LONGEST_VALUE:
            raise UserErrorException(
                f"The description has {len(wanted.description)} characters; at most {LONGEST_VALUE} are kept."
            )
        changes["description"] = wanted.description or None
    if wanted.archived is not None:
        changes["archived_at"] = (run.archived_at or now) if wanted.archived else None
    store.update(write, run_id, changes)
    return _changed(write, run_id)


def add_value(write: Write, objects: ObjectFiles, run_id: str, name: str, value: str, now: Micros) -> None:
    """One more value of a metric, a text such as the address of a file; one that it has already changes nothing."""
    run = service.get(write, run_id)
    if not 1 <= len(name) <= LONGEST_KEY or len(value) > LONGEST_VALUE:
        raise UserErrorException(
            f"{name[:80]!r} cannot be a metric of {len(value)} characters. Use 1 to {LONGEST_KEY} characters for "
            f"its name and {LONGEST_VALUE} for its value at most."
        )
    there = query.metrics(write, objects, run_id, name).get(name)
    if value == there or (isinstance(there, list) and value in there):
        return
    event = {"op": "scalar", "t": now, "name": name, "value": value}
    data = frame(EVENT, json.dumps(event, ensure_ascii=False).encode("utf-8", "replace"))
    key = StreamKey(run_id, run.attempt, 0, _STREAM)
    offset = ingest.offsets(write, run_id, run.attempt, 0).get(_STREAM, 0)
    ingest.append(write, key, offset, data, now)


def add_files(write: Write, run_id: str, stored: Mapping[str, StoredFile], now: Micros) -> None:
    """Add files whose bytes are in the object store; the same bytes under the same name again change nothing.

    Raises Conflict naming the file whose name is taken: what a run keeps is never replaced by an upload.
    """
    refuse_names(write, run_id, stored)
    there = {file.name: file.digest for file in run_files.files(write, run_id)}
    for name, file in stored.items():
        if there.get(name, file.digest) != file.digest:
            raise Conflict(
                f"Run {run_id} has a file {name!r} already, and its bytes differ. Upload under another name."
            )
    run_files.put_files(write, run_id, stored, now)


def refuse_names(read: Read, run_id: str, wanted: Iterable[str]) -> None:
    """Raise UserErrorException for what is no name of a file, Conflict for one that the run's files leave no room for.

    Before the bytes are read: a file of gigabytes is not copied for nothing.
    """
    service.get(read, run_id)
    names = list(wanted)
    logs = {log.name for log in query.logs(read, run_id)}
    files = {*(file.name for file in run_files.files(read, run_id)), *logs, *names}
    folders = {folder for name in files for folder in _folders(name)}
    for name in names:
        check_name(name)
        if name.startswith(_OWN_LOGS) or name in logs:
            raise UserErrorException(f"{name!r} is kept for a log of the run. Upload under another name.")
        if name in folders:
            raise Conflict(f"{name!r} is a folder of run {run_id} already. Upload under another name.")
        if above := [folder for folder in _folders(name) if folder in files]:
            raise Conflict(
                f"{name!r} would lie in {above[0]!r}, which is a file of run {run_id}. Upload under another name."
            )


def set_snapshot(write: Write, run_id: str, digest: str) -> RunView:
    """Say which source a run comes from that has none, or that its process still writes.

    Raises Conflict when it was submitted with another one, or has ended with it.
    """
    run = service.get(write, run_id)
    is_open = run.type == INTERACTIVE and not run.status.is_terminal()
    if run.snapshot and run.snapshot != digest and not is_open:
        raise Conflict(
            f"Run {run_id} was made from the snapshot {run.snapshot}, which never changes. "
            "Submit the other folder as a new run."
        )
    if snapshots.files(write, digest) is None:
        raise SnapshotException(
            f"There is no snapshot {digest[:64]!r} in this workspace. Send it before the run."
        )
    store.update(write, run_id, {"snapshot": digest})
    return _changed(write, run_id)


def _changed(write: Write, run_id: str) -> RunView:
    store.update(write, run_id, {})
    write.notify(transitions.topic(run_id))
    return service.view(write, service.get(write, run_id))


def _folders(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]
