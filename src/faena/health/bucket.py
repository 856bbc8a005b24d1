"""Objects in a bucket: what rows refer to is there, and is what its name says. A process that reaches it looks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from faena.health import database
from faena.health.finding import Finding, ok, problem, size
from faena.health.subject import Subject
from faena.kernel.discovery import child_environment
from faena.kernel.plural import counted

_SHOWN = 3
_SECONDS = 600.0
"""For a sample; all are read for as long as it takes."""


def check_bucket(subject: Subject, path: Path, references: dict[str, str], name: str) -> Iterator[Finding]:
    """`path`: of the database; `references`: columns that name objects, by table; `name`: of the bucket.

    However many objects there are, little is in memory. Raises sqlite3.Error.
    """
    with tempfile.TemporaryDirectory(prefix="faena-doctor-") as folder:
        wanted = Path(folder, "wanted")
        _write(path, references, wanted)
        program = [
            sys.executable,
            "-P",
            "-m",
            "faena.server.objects_examination",
            str(subject.folder),
            str(wanted),
        ]
        with (
            tempfile.TemporaryFile() as said,
            tempfile.TemporaryFile() as complaint,
        ):
            try:
                done = subprocess.run(
                    [*program, f"--sample={subject.sample}", *(["--deep"] if subject.deep else [])],
                    env=child_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=complaint,
                    timeout=None if subject.deep else _SECONDS,
                    check=False,
                )
                failure = "" if done.returncode == 0 else _last(complaint)
            except subprocess.TimeoutExpired:
                failure = f"{name} has not told all within {_SECONDS:.0f} s"
            if failure:
                yield problem(
                    "missing objects", failure, "see that the bucket answers, and the keys are right"
                )
                return
            yield from _told(said, path, references, name, deep=subject.deep)


def _told(
    said: IO[bytes], path: Path, references: dict[str, str], name: str, *, deep: bool
) -> Iterator[Finding]:
    counts = {"missing": 0, "damaged": 0}
    some: dict[str, list[str]] = {"missing": [], "damaged": []}
    total: dict[str, int] = {}
    said.seek(0)
    for line in said:
        told = json.loads(line)
        if told["type"] == "Found":
            counts[told["how"]] += 1
            some[told["how"]] = [*some[told["how"]], told["digest"]][:_SHOWN]
        else:
            total = told
    shown = {how: ", ".join(digest[:12] for digest in found) for how, found in some.items()}
    if counts["missing"]:
        tables = ", ".join(_tables(path, references, some["missing"]))
        yield problem(
            "missing objects",
            f"{counts['missing']:,} of {total['wanted']:,} that rows refer to ({tables}) are not in {name}: "
            f"{shown['missing']}",
            "faena repair --dry-run, then faena repair",
        )
    else:
        extra = (
            f"; {total['extra']:,} more there ({size(total['extra_size'])}), which the next collection removes"
            if total["extra"]
            else ""
        )
        yield ok("missing objects", f"none of {total['wanted']:,} in {name}{extra}")
    if counts["damaged"]:
        yield problem(
            "bucket contents",
            f"{counts['damaged']:,} objects in {name} are damaged: {shown['damaged']}",
            "faena repair --deep --dry-run, then faena repair --deep",
        )
    else:
        how = "all" if deep else "a sample"
        read = f"{counted(total['read'], 'object')}, {size(total['read_size'])}"
        yield ok("bucket contents", f"{how} read again: {read}, each as its digest says")


def _write(path: Path, references: dict[str, str], wanted: Path) -> None:
    with database.opened(path) as connection, wanted.open("w") as file:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        selects = [
            f'SELECT "{column}" AS digest, {"size" if table == "objects" else "NULL"} AS size FROM "{table}" '
            f'WHERE "{column}" IS NOT NULL'
            for table, column in references.items()
            if table in tables
        ]
        fresh = " WHERE digest NOT IN (SELECT digest FROM fresh_objects)" if "fresh_objects" in tables else ""
        found = connection.execute(
            f"SELECT digest, MAX(size) FROM ({' UNION ALL '.join(selects)}){fresh} GROUP BY digest ORDER BY digest"
        )
        for digest, length in found:
            file.write(f"{digest} {'' if length is None else length}\n")


def _tables(path: Path, references: dict[str, str], digests: Iterable[str]) -> list[str]:
    """Those that name any of the digests; `objects` where no other does."""
    found = set()
    with database.opened(path) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, column in references.items():
            if table in tables and any(
                connection.execute(f'SELECT 1 FROM "{table}" WHERE "{column}" = ?', (digest,)).fetchone()
                for digest in digests
            ):
                found.add(table)
    return sorted(found - {"objects"} or found)


def _last(complaint: IO[bytes]) -> str:
    complaint.seek(max(0, complaint.seek(0, os.SEEK_END) - 4000))
    lines = complaint.read().decode(errors="replace").strip().splitlines()
    return lines[-1].rstrip(".") if lines else "the process that asks the bucket has ended"
