"""Runs side by side: which they are, what they logged, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from faena.comparison import code, packages, table, values
from faena.comparison.model import Section, Value
from faena.comparison.table import Table
from faena.data import store as snapshots
from faena.db import Read
from faena.environments import store as locks
from faena.kernel.errors import FaenaError, NotFound
from faena.objects.contract import ObjectFiles
from faena.runs import record_store, service, store
from faena.runs.model import Run
from faena.runs.parameters import number
from faena.runs.submission_schemas import Submission
from faena.server.pages.rendering import run_address
from faena.server.pages.sweeps import data as sweep_data
from faena.tracking import query
from faena.tracking.model import SCRIPT
from faena.tracking.store import metrics as series

PATH = "/ui/compare"
MOST_RUNS = 200
_COLOURS = 10
_FIRST_NAMES = 200
_MOST_ROWS = 300
"""Of a section that differ and are shown."""
_MOST_AXES = 40
_MOST_METRICS = 500
_LONGEST = 300
_MOST_LINES, _MOST_FILES = 4_000, 50


class Compared(Struct, frozen=True):
    id: str
    title: str
    address: str
    status: str
    experiment: str
    colour: str
    """Name of its colour's variable."""


class ComparePage(Struct, frozen=True):
    runs: list[Compared]
    is_live: bool
    """Whether one of them goes on."""
    missing: int
    """Runs that were asked for and are not there."""
    names: list[str]
    """Metrics that are numbers, those that most of the runs have first."""
    more: str
    """Where all are, when these are not."""
    query: str


def asked(ids: Sequence[str]) -> str:
    return urlencode([("run", each) for each in ids])


def found(read: Read, ids: Sequence[str]) -> list[Run]:
    """Those that are there, in the order in which they were asked for."""
    there = store.get_many(read, list(dict.fromkeys(ids))[:MOST_RUNS])
    return [run for run in there.values() if run.deletion is None]


def build(read: Read, ids: Sequence[str]) -> ComparePage:
    runs = found(read, ids)
    there = [run.id for run in runs]
    names = series.names_of(read, there, SCRIPT, _FIRST_NAMES + 1) if runs else []
    return ComparePage(
        runs=[
            Compared(
                run.id,
                run.name or run.id,
                run_address(run.id),
                run.shown_status,
                run.experiment,
                f"--curve-{place % _COLOURS}",
            )
            for place, run in enumerate(runs)
        ],
        is_live=any(run.ended_at is None for run in runs),
        missing=len(dict.fromkeys(ids)) - len(runs),
        names=names[:_FIRST_NAMES],
        more=f"{PATH}/names?{asked(there)}" if len(names) > _FIRST_NAMES else "",
        query=asked(there),
    )


def all_names(read: Read, ids: Sequence[str]) -> list[str]:
    return series.names_of(read, [run.id for run in found(read, ids)], SCRIPT, None)


class Figures(msgspec.Struct, frozen=True):
    """What scatter and parallel coordinates are drawn from."""

    runs: list[str]
    titles: list[str]
    addresses: list[str]
    parameters: list[sweep_data.Axis]
    """Those that differ."""
    metrics: dict[str, list[float | None]]
    """The last value of each, those that most runs have first."""


def figures(read: Read, ids: Sequence[str]) -> Figures:
    runs = found(read, ids)
    there = [run.id for run in runs]
    given = record_store.list_parameters(read, there)
    names = list(dict.fromkeys(name for each in given.values() for name in each))
    axes = [_axis(name, [given.get(each, {}).get(name) for each in there]) for name in names]
    last = query.last_values(read, there)
    counted: dict[str, int] = {}
    for each in last.values():
        for name in each:
            counted[name] = counted.get(name, 0) + 1
    chosen = sorted(counted, key=lambda name: (-counted[name], name))[:_MOST_METRICS]
    return Figures(
        there,
        [run.name or run.id for run in runs],
        [run_address(each) for each in there],
        [axis for axis in axes if axis is not None][:_MOST_AXES],
        {name: [last[each].get(name) for each in there] for name in chosen},
    )


def _axis(name: str, texts: list[str | None]) -> sweep_data.Axis | None:
    """None where all runs have the same."""
    if len(set(texts)) < 2:
        return None
    numbers = [None if each is None else number(each) for each in texts]
    if any(text is not None and value is None for text, value in zip(texts, numbers, strict=True)):
        return sweep_data.axis(name, "", texts)
    known = [each for each in numbers if each is not None]
    is_wide = min(known) > 0 and max(known) / min(known) >= 100
    return sweep_data.axis(name, "log" if is_wide else "", numbers)


def differences(read: Read, ids: Sequence[str]) -> list[Table]:
    runs = found(read, ids)
    submissions = [msgspec.json.decode(run.submission, type=Submission) for run in runs]
    sections = {
        "Parameters": [values.argument_values(each) for each in submissions],
        "Variables": values.variable_values(submissions),
        "Data": [values.input_values(each.inputs) for each in submissions],
        "Git": [values.git_values(each) for each in submissions],
        "Machine": [values.machine_values(run, each) for run, each in zip(runs, submissions, strict=True)],
    }
    tables = [_shown(table.table(name, each)) for name, each in sections.items()]
    return [tables[0], _code(read, runs), _packages(read, runs), *tables[1:]]


def _shown(given: Table) -> Table:
    rows = tuple(
        table.Row(row.name, tuple(_cut(value) for value in row.values)) for row in given.rows[:_MOST_ROWS]
    )
    more = len(given.rows) - len(rows)
    note = " ".join(filter(None, (given.note, f"{more:,} more differ." if more else "")))
    return Table(given.section, rows, given.same, note)


def _cut(value: Value) -> Value:
    return f"{value[: _LONGEST - 1]}…" if isinstance(value, str) and len(value) > _LONGEST else value


def _code(read: Read, runs: Sequence[Run]) -> Table:
    """Files by the first digits of their digests."""
    manifests = {each: snapshots.files(read, each) or () for each in {run.snapshot for run in runs} if each}
    files: list[dict[str, Value]] = [
        {file.path: file.digest[:8] for file in manifests.get(run.snapshot, ())} for run in runs
    ]
    note = "" if all(run.snapshot for run in runs) else "A run without a snapshot has no files here."
    return _shown(table.table("Code", files, note))


def _packages(read: Read, runs: Sequence[Run]) -> Table:
    held: dict[str, dict[str, Value]] = {}
    for digest in {run.lock for run in runs if run.lock}:
        lock = locks.get(read, digest)
        if lock is not None:
            as_given: dict[str, Any] = {
                "interpreter": msgspec.to_builtins(lock.interpreter),
                "platform": lock.platform,
                "requirements": lock.requirements,
                "archives": msgspec.to_builtins(lock.archives),
            }
            held[digest] = dict(packages.held(as_given))
    note = (
        "" if all(run.lock in held for run in runs) else "A run without an environment has no packages here."
    )
    return _shown(table.table("Packages", [held.get(run.lock or "", {}) for run in runs], note))


def changed_lines(read: Read, objects: ObjectFiles, left: str, right: str) -> Section:
    """Of two runs' code. Raises NotFound for a run that is not there."""

    def manifest(run_id: str) -> Any:
        snapshot = service.get(read, run_id).snapshot
        return (snapshots.files(read, snapshot) or ()) if snapshot else ()

    def bytes_of(digest: str) -> bytes | None:
        try:
            with objects.open(digest) as file:
                return file.read()
        except (NotFound, FaenaError, OSError):  # collected, or damaged
            return None

    return code.compare(manifest(left), manifest(right), bytes_of, _MOST_LINES, _MOST_FILES)
