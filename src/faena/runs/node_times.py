"""Which run had which node when, out of attempts and phases; read for the latest runs only, however many there are."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.runs.attempt_store import attempts
from faena.runs.model import RunStatus
from faena.runs.phase_store import phases
from faena.runs.store import runs

LATEST = 2_000
"""Runs that are looked at; beside them all that go on, up to as many."""
_MOST = 4_000
_ON_NODES = [status.value for status in (RunStatus.STARTING, RunStatus.RUNNING, RunStatus.FINALIZING)]


class Stretch(Struct, frozen=True):
    """One attempt of a run on one node."""

    cluster: str
    node: str
    run_id: str
    title: str
    attempt: int
    status: str
    """Of the run; Failed for an attempt after which it went again."""
    begin: Micros
    end: Micros
    """Now, where it goes on."""
    machine: str = ""
    """Of the node, where it was on another one."""


def since(read: Read, begin: Micros, now: Micros) -> list[Stretch]:
    """Those that ended after `begin` or go on, the latest to begin first."""
    latest = sa.select(runs.c.id).order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(LATEST)
    going = sa.select(runs.c.id).where(runs.c.ended_at.is_(None)).limit(LATEST)
    chosen = runs.c.id.in_(latest.subquery().select()) | runs.c.id.in_(going.subquery().select())
    times = (
        sa.select(
            attempts.c.run_id,
            attempts.c.attempt,
            attempts.c.node,
            attempts.c.machine,
            runs.c.cluster,
            runs.c.name,
            runs.c.status,
            runs.c.ended_at,
            runs.c.attempt.label("last"),
            sa.func.min(phases.c.started_at).label("begin"),
            sa.func.max(sa.func.coalesce(phases.c.ended_at, now)).label("until"),
        )
        .join_from(attempts, runs, runs.c.id == attempts.c.run_id)
        .join(phases, (phases.c.run_id == attempts.c.run_id) & (phases.c.attempt == attempts.c.attempt))
        .where(
            chosen,
            runs.c.deletion.is_(None),
            sa.func.coalesce(runs.c.ended_at, now) >= begin,
            phases.c.name.in_(_ON_NODES),
        )
        .group_by(
            attempts.c.run_id,
            attempts.c.attempt,
            attempts.c.rank,
            attempts.c.node,
            attempts.c.machine,
            *(runs.c[name] for name in ("cluster", "name", "status", "ended_at", "attempt")),
        )
        .order_by(sa.literal_column("begin").desc())
        .limit(_MOST)
    )
    found = []
    for row in read.execute(times):
        end = min(int(row.until), row.ended_at or now)
        if end >= begin:
            status = row.status if row.attempt == row.last else RunStatus.FAILED.value
            found.append(
                Stretch(
                    row.cluster,
                    row.node,
                    row.run_id,
                    row.name or row.run_id,
                    row.attempt,
                    status,
                    min(row.begin, end),
                    end,
                    row.machine or "",
                )
            )
    return found
