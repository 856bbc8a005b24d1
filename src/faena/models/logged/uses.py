"""Which runs read which logged models, and which they made at which of their steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import BigInteger, Read, String, Write, lists, metadata, upsert
from faena.runs.store import OF_RUN

uses = sa.Table(
    "run_logged_models",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("model_id", String(64), primary_key=True),
    sa.Column("role", String(8), primary_key=True),
    sa.Column("step", BigInteger, nullable=False),
)
READ, MADE = "read", "made"
_OF_RUNS = lists.prepared_for(
    lambda run_ids: uses.select().where(uses.c.run_id.in_(run_ids)).order_by(uses.c.run_id, uses.c.model_id)
)


class Use(Struct, frozen=True):
    model_id: str
    role: str
    step: int = 0


def add(write: Write, run_id: str, given: Iterable[Use]) -> None:
    rows = [{"run_id": run_id, "model_id": use.model_id, "role": use.role, "step": use.step} for use in given]
    upsert(write, uses, rows, update=["step"])


def of_runs(read: Read, run_ids: Sequence[str]) -> dict[str, list[Use]]:
    return by_run(ask_of_runs(read, run_ids))


def ask_of_runs(read: Read, run_ids: Sequence[str]) -> Iterator[Any]:
    """To be read later by `by_run`: see `Read.ask`."""
    return lists.ask(read, _OF_RUNS, run_ids)


def by_run(rows: Iterable[Any]) -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = defaultdict(list)
    for run_id, *use in rows:
        found[run_id].append(Use(*use))
    return found
