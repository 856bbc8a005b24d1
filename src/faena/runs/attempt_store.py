"""SQL of the attempts of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from faena.compute.store import nodes
from faena.db import Integer, Read, String, Write, metadata, partial_index
from faena.db.prepared import Prepared
from faena.runs.model import EXTERNAL, Attempt, AttemptState, EndReason, Outcome
from faena.runs.store import IS_UNFINISHED, OF_RUN, UNREADABLE, runs, update_of
from faena.workspaces import needs

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id"), primary_key=True, info=OF_RUN),
    sa.Column("attempt", Integer, primary_key=True),
    sa.Column("rank", Integer, primary_key=True),
    sa.Column("node", String(64), nullable=False),
    sa.Column("state", String(16), nullable=False),
    sa.Column("outcome", sa.LargeBinary),
    sa.Column("began_from", sa.LargeBinary),
    sa.Column("machine", String(64)),
    sa.Column("told", sa.LargeBinary),
    partial_index("open_attempts", "state", where=sa.column("state") != AttemptState.CLOSED.value),
)

"""`began_from`: the checkpoint of an earlier attempt that it goes on from, where there was one. `told`: what the node
tells the other nodes of the run as their ranks start."""

# Statements of every run's way are built once: to build one costs as much as to execute it.
_run: sa.BindParameter[str] = sa.bindparam("run")
_IS_OPEN = attempts.c.state != sa.literal_column(f"'{AttemptState.CLOSED.value}'")
_OPEN_ATTEMPTS = Prepared(attempts.select().where(_IS_OPEN))
_ORPHANS = Prepared(
    attempts.select().where(
        _IS_OPEN, ~sa.exists(sa.select(nodes.c.id).where(nodes.c.id == attempts.c.node).correlate(attempts))
    )
)
_OPEN_ON = Prepared(attempts.select().where(_IS_OPEN, attempts.c.machine == sa.bindparam("its")))
_IS_WATCHED = IS_UNFINISHED & (runs.c.type != sa.literal_column(f"'{EXTERNAL}'"))
_ANY_OPEN = Prepared(
    sa.select(sa.exists(runs.select().where(_IS_WATCHED)) | sa.exists(attempts.select().where(_IS_OPEN)))
)
_ADD_ATTEMPT = Prepared(attempts.insert())
_RANKS = Prepared(
    attempts.select()
    .where(attempts.c.run_id == _run, attempts.c.attempt == sa.bindparam("which"))
    .order_by(attempts.c.rank)
)


_OF_RUN = Prepared(
    attempts.select().where(attempts.c.run_id == _run).order_by(attempts.c.attempt, attempts.c.rank)
)
_BEGAN_FROM = Prepared(
    sa.select(attempts.c.began_from).where(
        attempts.c.run_id == _run,
        attempts.c.attempt == sa.bindparam("which"),
        attempts.c.began_from.is_not(None),
    )
)
_LATEST = Prepared(sa.select(runs.c.attempt).where(runs.c.id == _run))
_STANDING = Prepared(
    sa.select(
        attempts.c.outcome,
        runs.c.attempt,
        runs.c.ended_at,
        runs.c.cancel_requested_at,
    )
    .join_from(attempts, runs, runs.c.id == attempts.c.run_id)
    .where(attempts.c.run_id == _run, attempts.c.attempt == sa.bindparam("which"))
    .distinct()
)
_OF_ATTEMPT = (attempts.c.run_id == _run, attempts.c.attempt == sa.bindparam("which"))
_RANK = Prepared(attempts.select().where(*_OF_ATTEMPT, attempts.c.rank == sa.bindparam("its")))
_ANY_WITHOUT_OUTCOME = Prepared(
    sa.select(attempts.c.rank).where(*_OF_ATTEMPT, attempts.c.outcome.is_(None)).limit(1)
)
_ANY_OPEN_RANK = Prepared(sa.select(attempts.c.rank).where(*_OF_ATTEMPT, _IS_OPEN).limit(1))


@needs.servers.add
def is_any_open(read: Read) -> bool:
    """Whether a run that is watched here is unfinished, or an attempt not closed."""
    return bool(read.execute(_ANY_OPEN).scalar())


def _attempt(row: Any) -> Attempt:
    """One whose row cannot be read has ended as lost: it concerns that attempt alone."""
    try:
        outcome = msgspec.json.decode(row.outcome, type=Outcome) if row.outcome else None
        state = AttemptState(row.state)
        return Attempt(row.run_id, row.attempt, row.rank, row.node, state, outcome, row.machine)
    except UNREADABLE as error:
        lost = Outcome(
            EndReason.NODE_LOST, f"How the attempt ended cannot be read in the database: {str(error)[:300]}."
        )
        return Attempt(row.run_id, row.attempt, row.rank, row.node, AttemptState.ENDED, lost, row.machine)


def add_attempt(
    write: Write,
    run_id: str,
    attempt: int,
    rank: int,
    node: str,
    state: AttemptState = AttemptState.GIVEN,
    machine: str | None = None,
) -> None:
    values = {"run_id": run_id, "attempt": attempt, "rank": rank, "node": node, "state": state.value}
    write.execute(_ADD_ATTEMPT, values | ({"machine": machine} if machine else {}))


def add_attempts(write: Write, given: Sequence[tuple[str, int, int, str, bytes | None, str | None]]) -> None:
    """Run, attempt, rank, node, what it goes on from and the machine, each."""
    if given:
        names = ("run_id", "attempt", "rank", "node", "began_from", "machine")
        state = AttemptState.GIVEN.value
        write.execute(_ADD_ATTEMPT, [dict(zip(names, each, strict=True), state=state) for each in given])


def ranks(read: Read, run_id: str, attempt: int) -> list[Attempt]:
    return [_attempt(row) for row in read.execute(_RANKS, {"run": run_id, "which": attempt})]


def of_rank(read: Read, run_id: str, attempt: int, rank: int) -> Attempt | None:
    row = read.execute(_RANK, {"run": run_id, "which": attempt, "its": rank}).first()
    return _attempt(row) if row else None


def have_ended(read: Read, run_id: str, attempt: int) -> bool:
    """Whether the scripts of all ranks have ended, so that nothing more comes of the attempt."""
    return read.execute(_ANY_WITHOUT_OUTCOME, {"run": run_id, "which": attempt}).first() is None


def are_closed(read: Read, run_id: str, attempt: int) -> bool:
    """Whether everything of all ranks is here."""
    return read.execute(_ANY_OPEN_RANK, {"run": run_id, "which": attempt}).first() is None


def of_run(read: Read, run_id: str) -> list[Attempt]:
    """All ranks of all attempts, in this order."""
    return [_attempt(row) for row in read.execute(_OF_RUN, {"run": run_id})]


def began_from(read: Read, run_id: str, attempt: int) -> bytes | None:
    """The checkpoint of an earlier attempt that it goes on from."""
    found: bytes | None = read.execute(_BEGAN_FROM, {"run": run_id, "which": attempt}).scalar()
    return found


class Standing(Struct, frozen=True):
    """What decides whether the scripts of an attempt go on: asked with each batch that comes of one."""

    exists: bool
    is_over: bool
    """Canceled, ended, or there is a later attempt."""
    reasons: tuple[EndReason, ...]
    """Why ranks have ended."""


def standing(read: Read, run_id: str, attempt: int) -> Standing:
    rows = read.execute(_STANDING, {"run": run_id, "which": attempt}).all()
    reasons = [_reason(row.outcome) for row in rows if row.outcome]
    over = any(row.ended_at or row.cancel_requested_at or row.attempt != attempt for row in rows)
    return Standing(bool(rows), over, tuple(reasons))


def is_superseded(read: Read, run_id: str, attempt: int) -> bool:
    """Whether a later attempt has begun: this one may bring what it has left, and replaces nothing."""
    found: int = read.execute(_LATEST, {"run": run_id}).scalar() or 0
    return found > attempt


def _reason(outcome: bytes) -> EndReason:
    try:
        return msgspec.json.decode(outcome, type=Outcome).reason
    except UNREADABLE:
        return EndReason.NODE_LOST


def open_attempts(read: Read) -> list[Attempt]:
    """All that are not closed."""
    return [_attempt(row) for row in read.execute(_OPEN_ATTEMPTS)]


def orphans(read: Read) -> list[Attempt]:
    """Those that are not closed, and whose node is none any more; so are all of users' own processes."""
    return [_attempt(row) for row in read.execute(_ORPHANS)]


def open_attempts_of(read: Read, node: str) -> list[Attempt]:
    """Those that are not closed of one node or process, oldest run first."""
    statement = (
        attempts.select()
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.state != AttemptState.CLOSED.value, attempts.c.node == node)
        .order_by(runs.c.created_at, runs.c.id)
    )
    return [_attempt(row) for row in read.execute(statement)]


def open_attempts_on(read: Read, machine: str) -> list[Attempt]:
    """Those of a machine that are not closed, whichever of its runners had them."""
    return [_attempt(row) for row in read.execute(_OPEN_ON, {"its": machine})]


def move_attempt(
    write: Write, attempt: Attempt, state: AttemptState, outcome: Outcome | None = None
) -> Attempt:
    """As it is then; without `outcome` that stays."""
    values: dict[str, Any] = {"state": state.value}
    if outcome is not None:
        values["outcome"] = msgspec.json.encode(outcome)
    key = {"run_id": attempt.run_id, "attempt": attempt.attempt, "rank": attempt.rank}
    parameters = {f"key_{name}": value for name, value in key.items()}
    parameters |= {f"new_{name}": value for name, value in values.items()}
    write.execute(update_of(attempts, tuple(key), tuple(values)), parameters)
    return replace(attempt, state=state, outcome=attempt.outcome if outcome is None else outcome)


def told(read: Read, run_id: str, attempt: int) -> dict[int, bytes]:
    """What the nodes of an attempt have told each other, by their ranks."""
    statement = sa.select(attempts.c.rank, attempts.c.told).where(
        attempts.c.run_id == run_id, attempts.c.attempt == attempt, attempts.c.told.is_not(None)
    )
    return {row.rank: row.told for row in read.execute(statement)}


def tell(write: Write, run_id: str, attempt: int, rank: int, told: bytes) -> None:
    which = (attempts.c.run_id == run_id, attempts.c.attempt == attempt, attempts.c.rank == rank)
    write.execute(attempts.update().where(*which).values(told=told))
