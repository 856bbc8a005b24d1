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

from faena.health.finding import Finding, ok, problem, size
from faena.health.rows import Tables
from faena.health.subject import Subject
from faena.kernel.discovery import child_environment
from faena.kernel.plural import counted

_SHOWN = 3
_SECONDS = 600.0
"""For a sample; all are read for as long as it takes."""


def check_bucket(
    subject: Subject, tables: Tables, references: dict[str, str], name: str
) -> Iterator[Finding]:
    """`references`: columns that name objects, by table; `name`: of the bucket.

    However many objects there are, little is in memory. Raises Unreadable.
    """
    with tempfile.TemporaryDirectory(prefix="faena-doctor-") as folder:
        wanted = Path(folder, "wanted")
        _write(tables, references, wanted)
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
            yield from _told(said, tables, references, name, deep=subject.deep)


def _told(
    said: IO[bytes], tables: Tables, references: dict[str, str], name: str, *, deep: bool
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
        named = ", ".join(_tables(tables, references, some["missing"]))
        yield problem(
            "missing objects",
            f"{counts['missing']:,} of {total['wanted']:,} that rows refer to ({named}) are not in {name}: "
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


def _write(tables: Tables, references: dict[str, str], wanted: Path) -> None:
    there = tables.names()
    selects = [
        f'SELECT "{column}" AS digest, {"size" if table == "objects" else "CAST(NULL AS BIGINT)"} AS size '
        f'FROM "{table}" WHERE "{column}" IS NOT NULL'
        for table, column in references.items()
        if table in there
    ]
    fresh = " WHERE digest NOT IN (SELECT digest FROM fresh_objects)" if "fresh_objects" in there else ""
    with wanted.open("w") as file:
        for digest, length in tables.rows(
            f"SELECT digest, MAX(size) FROM ({' UNION ALL '.join(selects)}) AS named{fresh} "
            "GROUP BY digest ORDER BY digest"
        ):
            file.write(f"{digest} {'' if length is None else length}\n")


def _tables(tables: Tables, references: dict[str, str], digests: Iterable[str]) -> list[str]:
    """Those that name any of the digests; `objects` where no other does."""
    there = tables.names()
    found = {
        table
        for table, column in references.items()
        if table in there
        and any(
            list(tables.rows(f'SELECT 1 FROM "{table}" WHERE "{column}" = ? LIMIT 1', each))
            for each in digests
        )
    }
    return sorted(found - {"objects"} or found)


def _last(complaint: IO[bytes]) -> str:
    complaint.seek(max(0, complaint.seek(0, os.SEEK_END) - 4000))
    lines = complaint.read().decode(errors="replace").strip().splitlines()
    return lines[-1].rstrip(".") if lines else "the process that asks the bucket has ended"
