"""Data sets that whoever logs a run says it used: where they come from, and what told them from others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from msgspec import Struct, field

from faena.db import Read, String, Text, Write, lists, metadata, upsert
from faena.runs.store import OF_RUN, runs

used = sa.Table(
    "run_datasets",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("name", String(500), primary_key=True),
    sa.Column("digest", String(64), primary_key=True),
    sa.Column("context", Text, nullable=False),
    sa.Column("told", sa.LargeBinary, nullable=False),
    sa.Index("run_datasets_by_name", "name", "digest"),
)
"""`told`: the whole of it, JSON."""

CONTEXT = "mlflow.data.context"
"""The tag that says what it was used for, such as training."""


_OF_RUNS = lists.prepared_for(
    lambda run_ids: (
        sa.select(used.c.run_id, used.c.told)
        .where(used.c.run_id.in_(run_ids))
        .order_by(used.c.run_id, used.c.name, used.c.digest)
    )
)


class UsedDataset(Struct, frozen=True):
    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str | None = None
    profile: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


def add(write: Write, run_id: str, datasets: Sequence[UsedDataset]) -> None:
    """One that the run has already stays as it was first told."""
    rows = [
        {
            "run_id": run_id,
            "name": each.name,
            "digest": each.digest,
            "context": each.tags.get(CONTEXT, ""),
            "told": msgspec.json.encode(each),
        }
        for each in datasets
    ]
    upsert(write, used, rows)


def of_runs(read: Read, run_ids: Sequence[str]) -> dict[str, list[UsedDataset]]:
    """By run, in the order of their names."""
    found: dict[str, list[UsedDataset]] = defaultdict(list)
    for run_id, told in lists.execute(read, _OF_RUNS, run_ids):
        found[run_id].append(msgspec.json.decode(told, type=UsedDataset))
    return found


def of_experiment(read: Read, experiment: str, most: int) -> list[tuple[str, str, str]]:
    """(name, digest, context) of those that its runs used, each once, so many at most."""
    columns = (used.c.name, used.c.digest, used.c.context)
    mine = (runs.c.experiment == experiment) & runs.c.deletion.is_(None)
    statement = sa.select(*columns).join(runs, runs.c.id == used.c.run_id).where(mine).distinct()
    return [
        (row.name, row.digest, row.context) for row in read.execute(statement.order_by(*columns).limit(most))
    ]
