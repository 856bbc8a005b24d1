"""A history of any number of runs: rows of one true run, again and again, with names, times and values of their own.

The database makes them itself, by `INSERT … SELECT`: a million runs are some 28 million rows. Each has what the product
wrote for the first: run, phases, attempt, tags, parameters, metrics with their points, log, a file, which one run of
twenty has for itself.
"""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

import sqlalchemy as sa

from benchmarks.ground import stop, submit
from faena import Cluster, Workspace
from faena.db import Database, Write, metadata
from faena.db.columns import POSTGRESQL
from faena.kernel.clock import SystemClock
from faena.objects import store as object_rows
from faena.objects.files import FolderObjects
from faena.runs import record_store
from faena.runs.store import runs
from faena.server import app as _app  # noqa: F401  the tables of all features
from faena.tracking.store.files import run_files
from faena.tracking.store.logs import segments
from faena.tracking.store.metric_chunks import chunks
from faena.tracking.store.metrics import series
from faena.tracking.store.streams import streams
from faena.workspaces import database_place
from faena.workspaces import store as workspaces

EXPERIMENTS, PEOPLE, OWN_FILES = 50, 20, 20
MINUTE = 60_000_000
_TOGETHER = 10_000
_OF_RUN = (
    metadata.tables["run_phases"],
    metadata.tables["attempts"],
    record_store.tags,
    record_store.parameters,
    run_files,
)
_TIMES = 1_500_000_000_000_000
"""What is more than this is a time."""


_SCRIPT = """
from faena import Run
run = Run.get_context()
for step in range(50):
    for name in range(3):
        run.log(f"metric {name}", 1 / (1 + step + name), step=step)
    if step % 3 == 0:
        print("epoch", step, "loss", 1 / (1 + step))
run.tag("team", "a")
run.tag("index", "1")
open("outputs/model.txt", "w").write("weights" * 100)
"""
_PARAMETERS = {"--rate": 0.1, "--epochs": 10, "--net": "mlp"}


def fill_workspace(made: Workspace, count: int) -> None:
    """A true run of a node of this host, and so many more. No server is there before and after."""
    cluster = Cluster.create(made, "cpu", max_nodes=1)
    run = submit(made, cluster, _SCRIPT, script_params=_PARAMETERS)
    run.wait_for_completion()
    stop(made)
    database = Database(database_place.place(made.files.path))
    try:
        fill(database, FolderObjects(made.files.objects, syncs=False), run.id, count)
    finally:
        database.close()


def fill(database: Database, objects: FolderObjects, template: str, count: int) -> None:
    """So many runs more, a minute apart, the latest just now; `template`: the id of a run that has ended."""
    database.submit_write(_experiments).result()
    now = SystemClock().now()
    for first in range(0, count, _TOGETHER):
        last = min(count, first + _TOGETHER)
        database.submit_write(
            partial(_clone, template=template, first=first, last=last, shift=now - count * MINUTE)
        ).result()
        contents = {number: f"weights of run {number}\n".encode() for number in range(first, last, OWN_FILES)}
        objects.put_all(contents.values())
        database.submit_write(partial(_own_files, contents=contents, now=now)).result()
    database.submit_write(partial(_finish, count=count)).result()


def run_id(number: int) -> str:
    return f"scale_{10_000_000 + number}"


def _experiments(write: Write) -> None:
    for number in range(EXPERIMENTS):
        workspaces.create_experiment(write, f"experiment {number}", _TIMES)


class _Cloning:
    """`n`: the number of a run, a column of numbers."""

    def __init__(self, write: Write, template: str, first: int, last: int, shift: int) -> None:
        self.write, self.template = write, template
        numbers = sa.select(sa.cast(first, sa.BigInteger).label("n")).cte("numbers", recursive=True)
        self.numbers = numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < last - 1))
        self.n = self.numbers.c.n
        began = write.execute(sa.select(runs.c.created_at).where(runs.c.id == template)).scalar_one()
        self.later = self.n * MINUTE + (shift - int(began))
        self.id = sa.literal("scale_").concat(sa.cast(self.n + 10_000_000, sa.Text))

    def add(
        self,
        table: sa.Table,
        where: sa.ColumnElement[bool],
        given: dict[str, Any],
        leave_out: tuple[str, ...] = (),
    ) -> None:
        """Rows of the template once for each number; columns that are not `given` as they are, times later."""
        names = [name for name in table.c.keys() if name not in leave_out]  # noqa: SIM118  columns, else
        sample = self.write.execute(sa.select(table).where(where).limit(1)).mappings().first()
        if sample is None:
            return
        values: list[Any] = []
        for name in names:
            column, value = table.c[name], sample[name]
            is_time = isinstance(value, int) and value > _TIMES
            values.append(given.get(name, column + self.later if is_time else column))
        chosen = sa.select(*values).select_from(table.join(self.numbers, sa.true())).where(where)
        self.write.execute(sa.insert(table).from_select(names, chosen, include_defaults=False))


def _clone(write: Write, template: str, first: int, last: int, shift: int) -> None:
    make = _Cloning(write, template, first, last, shift)
    n, made = make.n, make.id
    failed = n % 10 == 3
    own: dict[str, Any] = {
        "id": made,
        "experiment": sa.literal("experiment ").concat(sa.cast(n % EXPERIMENTS, sa.Text)),
        "number": n // EXPERIMENTS + 1,
        "user": sa.literal("person00").concat(sa.cast(n % PEOPLE + 10, sa.Text)),
        "status": sa.case((failed, "Failed"), else_="Completed"),
        "reason": sa.case((failed, "exit_code"), else_="completed"),
    }
    make.add(runs, runs.c.id == template, own)
    for table in _OF_RUN:
        make.add(table, table.c.run_id == template, {"run_id": made, **_values(table, n)})
    spread = sa.cast((n * 7919 + series.c.id * 104_729) % 100_003, sa.Double) / 100_003.0
    base = _numbered(make, series, series.c.run_id == template)
    make.add(
        series,
        series.c.run_id == template,
        {"id": base(series.c.id), "run_id": made, "last": spread, "min": spread / 2, "max": spread + 1},
    )
    of_series = chunks.c.series_id.in_(sa.select(series.c.id).where(series.c.run_id == template))
    make.add(chunks, of_series, {"series_id": base(chunks.c.series_id)}, ("id",))
    base = _numbered(make, streams, streams.c.run_id == template)
    make.add(streams, streams.c.run_id == template, {"id": base(streams.c.id), "run_id": made})
    of_stream = segments.c.stream_id.in_(sa.select(streams.c.id).where(streams.c.run_id == template))
    make.add(segments, of_stream, {"stream_id": base(segments.c.stream_id)}, ("id",))


def _own_files(write: Write, contents: dict[int, bytes], now: int) -> None:
    rows = [
        {"of": run_id(number), "new": hashlib.sha256(data).hexdigest(), "bytes": len(data), "touched": now}
        for number, data in contents.items()
    ]
    change = run_files.update().where(run_files.c.run_id == sa.bindparam("of"))
    write.execute(change.values(digest=sa.bindparam("new"), size=sa.bindparam("bytes")), rows)
    made: dict[str, Any] = {
        "digest": sa.bindparam("new"),
        "size": sa.bindparam("bytes"),
        "touched_at": sa.bindparam("touched"),
    }
    write.execute(object_rows.objects.insert().values(**made), rows)


def _values(table: sa.Table, n: sa.ColumnElement[int]) -> dict[str, Any]:
    if table is record_store.tags:
        team = sa.literal("team ").concat(sa.cast(n % 5, sa.Text))
        return {"value": sa.case((table.c.key == "team", team), else_=sa.cast(n, sa.Text))}
    if table is record_store.parameters:
        is_rate = table.c.name == "rate"
        return {
            "value": sa.case((is_rate, sa.cast(n % 100, sa.Text)), else_=table.c.value),
            "number": sa.case((is_rate, sa.cast(n % 100, sa.Double)), else_=table.c.number),
        }
    return {}


def _numbered(make: _Cloning, table: sa.Table, where: sa.ColumnElement[bool]) -> Any:
    """From a number of the template's rows to that of a clone's: each run has a range of its own."""
    found = sa.select(sa.func.min(table.c.id), sa.func.max(table.c.id)).where(where)
    least, most = map(int, make.write.execute(found).one())
    width = most - least + 1
    return lambda column: column + (make.n + 1) * width + (most - least)


def _finish(write: Write, count: int) -> None:
    given = count // EXPERIMENTS + 1
    write.execute(
        workspaces.experiments.update().where(workspaces.experiments.c.name != "bench").values(runs=given)
    )
    if write.connection.dialect.name != POSTGRESQL:
        return
    for table in (series, streams):
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        write.execute(
            sa.select(sa.func.setval(sequence, sa.select(sa.func.max(table.c.id)).scalar_subquery()))
        )
