"""The files in a run's history: names for bytes in the object store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faena.db import Read, Write
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.objects import store as objects
from faena.tracking.model import RunFile, StoredFile, check_name
from faena.tracking.store import files as store


def files_topic(run_id: str) -> str:
    """Rings when the run has new files."""
    return f"run/{run_id}/files"


def put_files(write: Write, run_id: str, stored: Mapping[str, StoredFile], now: Micros) -> None:
    """Add files whose bytes are in the object store, or replace those of the same name; keeps the objects.

    Raises UserErrorException when a name is not a plain relative path; no file is added then.
    """
    for name, file in stored.items():
        check_name(name)
        digests.check(file.digest)
    objects.touch(write, {file.digest: file.size for file in stored.values()}, now)
    store.put(write, run_id, stored, now)
    if stored:
        write.notify(files_topic(run_id))


def remove_files(write: Write, run_id: str, names: Iterable[str]) -> None:
    """Silent about those that are not there."""
    if gone := list(names):
        store.forget(write, run_id, gone)
        write.notify(files_topic(run_id))


def files(read: Read, run_id: str, prefix: str = "") -> list[RunFile]:
    """By name; those whose name begins with `prefix`."""
    return store.of_run(read, run_id, prefix)


def in_the_way(read: Read, run_id: str, name: str) -> str | None:
    """A file of the run of which `name` would be a folder, or which would be a folder of `name`; None: neither."""
    parts = name.split("/")
    return store.any_of(read, run_id, ["/".join(parts[:end]) for end in range(1, len(parts))], f"{name}/")


def file(read: Read, run_id: str, name: str) -> RunFile:
    """Raises NotFound."""
    found = store.find(read, run_id, name)
    if found is None:
        raise NotFound(f"Run {run_id} has no file {name[:200]!r}. Ask for its files to see their names.")
    return found
