"""The bytes: what rows refer to is there, and is what its name says."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from faena.health import rows
from faena.health.bucket import check_bucket
from faena.health.finding import Finding, ok, problem, size
from faena.health.rows import Tables, Unreadable
from faena.health.subject import Subject
from faena.kernel.plural import counted
from faena.kernel.verified_times import is_sealed
from faena.workspaces import objects_place

REFERENCES = {
    "objects": "digest",
    "run_files": "digest",
    "tracking_packs": "digest",
    "snapshot_objects": "object",
    "model_files": "digest",
    "logged_model_files": "digest",
    "trace_files": "digest",
    "checkpoint_files": "digest",
}
"""Columns that name objects, by table."""
SAMPLE_BYTES = 256_000_000
"""What a sample reads at most; `--deep` reads all."""
_SHOWN = 3
_REPAIR = "faena repair --dry-run, then faena repair"
_REPAIR_ALL = "faena repair --deep --dry-run, then faena repair --deep"
"""For bytes that were lost without being written: only who reads them sees it."""


def check_objects(subject: Subject) -> Iterator[Finding]:
    if subject.folder is None:
        return
    base = subject.folder / "objects"
    here = _here(base)
    try:
        with rows.opened(subject) as found:
            if found is None:
                return
            if (place := objects_place.place(subject.folder)) is not None:
                yield from check_bucket(subject, found, REFERENCES, str(place.address))
                yield _contents(base, sorted(here), subject, is_cache=True)
                return
            wanted, fresh = _wanted(found), _fresh(found)
    except Unreadable:
        return  # what is wrong with the database, its own check tells
    missing = {digest: tables for digest, tables in wanted.items() if digest not in here | fresh}
    if missing:
        yield problem(
            "missing objects",
            f"{len(missing)} of {len(wanted):,} that rows refer to ({_tables(missing.values())}): {_some(missing)}",
            _REPAIR,
        )
    else:
        yield ok("missing objects", f"none of {len(wanted):,}")
    yield _contents(base, sorted(wanted.keys() & here), subject)


def _wanted(tables: Tables) -> dict[str, set[str]]:
    """Digests and the tables that refer to them."""
    found: dict[str, set[str]] = {}
    there = tables.names()
    for table, column in REFERENCES.items():
        if table in there:
            for (digest,) in tables.rows(f'SELECT DISTINCT "{column}" FROM "{table}"'):
                found.setdefault(digest, set()).add(table)
    return found


def _fresh(tables: Tables) -> set[str]:
    """Digests of objects whose bytes lie in the database until their files are written."""
    if "fresh_objects" not in tables.names():
        return set()
    return {row[0] for row in tables.rows("SELECT digest FROM fresh_objects")}


def _here(base: Path) -> set[str]:
    try:
        folders = [entry.path for entry in os.scandir(base) if len(entry.name) == 2]
    except FileNotFoundError:
        return set()
    return {entry.name for folder in folders for entry in os.scandir(folder)}


def _contents(base: Path, digests: list[str], subject: Subject, *, is_cache: bool = False) -> Finding:
    touched = [digest for digest in digests if not is_sealed((base / digest[:2] / digest).stat(), digest)]
    others = sorted(set(digests).difference(touched))
    sample = random.sample(others, min(subject.sample, len(others)))
    read, count, damaged = 0, 0, []
    for digest in digests if subject.deep else [*touched, *sample]:
        path = base / digest[:2] / digest
        length = path.stat().st_size
        if not subject.deep and count and read + length > SAMPLE_BYTES:
            continue
        if not _is_whole(path, digest):
            damaged.append(digest)
        read, count = read + length, count + 1
    if damaged:
        said = f"{len(damaged)} of {count} read are damaged: {_some(damaged)}"
        if is_cache:
            return problem(
                "object contents",
                f"{said}; those in the bucket are fetched instead",
                "look at the disk's health",
            )
        return problem("object contents", said, f"{_REPAIR_ALL}; look at the disk's health")
    how = "all" if subject.deep else "what may have been written, and a sample,"
    return ok(
        "object contents",
        f"{how} read again: {counted(count, 'object')}, {size(read)}, each as its digest says",
    )


def _is_whole(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False  # a FIFO would keep its reader waiting
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:  # a disk that fails; a mode that shuts us out
        return False


def _tables(found: Iterable[set[str]]) -> str:
    named = set().union(*found)
    return ", ".join(sorted(named - {"objects"} or named))


def _some(digests: Iterable[str]) -> str:
    found = list(digests)
    return ", ".join(digest[:12] for digest in found[:_SHOWN]) + (" …" if len(found) > _SHOWN else "")
