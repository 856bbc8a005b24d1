"""How many bytes persons and experiments keep: files, logs, metrics and models of their runs, each object once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sqlalchemy as sa

from faena.compute.shares import Owner, OwnerKind
from faena.db import Read
from faena.db.prepared import Prepared
from faena.kernel.hooks import Hooks
from faena.runs.store import runs
from faena.tracking.store.files import run_files
from faena.tracking.store.packs import packs

parts: Hooks[[sa.ColumnElement[bool]], sa.Select[tuple[str, int]]] = Hooks()
"""What features add: digests and sizes of what they keep of the runs that fulfil a condition."""
_NAME: sa.BindParameter[str] = sa.bindparam("called")


def of(read: Read, owner: Owner) -> int:
    """What is deleted counts no more, though its bytes go later."""
    return int(read.execute(_statement(owner.kind), {"called": owner.name}).scalar() or 0)


@cache
def _statement(kind: OwnerKind) -> Prepared:
    column = runs.c.experiment if kind is OwnerKind.EXPERIMENT else runs.c.user
    theirs = sa.and_(column == _NAME, runs.c.deletion.is_(None))
    every: Callable[..., sa.CompoundSelect[tuple[str, int]]] = sa.union
    found = every(*(part(theirs) for part in parts)).subquery()
    return Prepared(sa.select(sa.func.coalesce(sa.func.sum(found.c.size), 0)))


@parts.add
def _files(theirs: sa.ColumnElement[bool]) -> sa.Select[tuple[str, int]]:
    there = run_files.c.deletion.is_(None)
    of_run = sa.select(run_files.c.digest, run_files.c.size).join(runs, runs.c.id == run_files.c.run_id)
    return of_run.where(theirs, there)


@parts.add
def _packs(theirs: sa.ColumnElement[bool]) -> sa.Select[tuple[str, int]]:
    """Logs and metrics of attempts that are over."""
    return sa.select(packs.c.digest, packs.c.size).join(runs, runs.c.id == packs.c.run_id).where(theirs)
