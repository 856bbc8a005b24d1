"""SQL of notices on the ends of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.notices.model import Notice, Rule, Way
from faena.notices.schemas import NoticeView
from faena.runs.store import OF_RUN, runs

rules = sa.Table(
    "notice_rules",
    metadata,
    sa.Column("id", String(32), primary_key=True),
    sa.Column("owner", String(64), nullable=False),
    sa.Column("way", String(16), nullable=False),
    sa.Column("shown", Text, nullable=False),
    sa.Column("experiment", String(255)),
    sa.Column("ends", String(64), nullable=False),
    sa.Column("below", Integer, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
)

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", String(32), primary_key=True),
    sa.Column("rule_id", sa.ForeignKey("notice_rules.id"), nullable=False, index=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False, index=True, info=OF_RUN),
    sa.Column("tries", Integer, nullable=False),
    sa.Column("due_at", BigInteger, index=True),
    sa.Column("sent_at", BigInteger),
    sa.Column("failure", Text),
    sa.Column("created_at", BigInteger, nullable=False),
)
"""`due_at`: when it is tried next; None once it was brought, or given up."""

_RULES = Prepared(sa.select(*rules.c).order_by(rules.c.created_at, rules.c.id))
_ADD = Prepared(notices.insert())
_DUE = Prepared(
    sa.select(notices.c.id, notices.c.rule_id, notices.c.run_id, notices.c.tries, notices.c.created_at)
    .where(notices.c.due_at <= sa.bindparam("now"))
    .order_by(notices.c.due_at, notices.c.id)
    .limit(20)
)
_NEXT = Prepared(sa.select(sa.func.min(notices.c.due_at)).where(notices.c.due_at.is_not(None)))


def list_rules(read: Read) -> list[Rule]:
    """The oldest first."""
    return [_rule(row) for row in read.execute(_RULES)]


def add_rule(write: Write, rule: Rule) -> None:
    values = {name: getattr(rule, name) for name in ("id", "owner", "shown", "experiment", "created_at")}
    write.execute(
        rules.insert().values(way=rule.way.value, ends=",".join(rule.ends), below=int(rule.below), **values)
    )


def remove_rule(write: Write, rule_id: str) -> None:
    """With what was told by it, and what waits."""
    write.execute(notices.delete().where(notices.c.rule_id == rule_id))
    write.execute(rules.delete().where(rules.c.id == rule_id))


def add(write: Write, made: Sequence[Notice], due: Micros) -> None:
    rows = [
        {
            "id": each.id,
            "rule_id": each.rule,
            "run_id": each.run_id,
            "tries": 0,
            "due_at": due,
            "created_at": each.created_at,
        }
        for each in made
    ]
    write.execute(_ADD, rows)


def due(read: Read, now: Micros) -> list[Notice]:
    """Those to be tried now, those that have waited longest first."""
    return [
        Notice(row.id, row.rule_id, row.run_id, row.tries, row.created_at)
        for row in read.execute(_DUE, {"now": now})
    ]


def next_due(read: Read) -> Micros | None:
    found: Micros | None = read.execute(_NEXT).scalar()
    return found


def latest_end(read: Read) -> str | None:
    """Of which run."""
    ended = sa.select(runs.c.id).where(runs.c.ended_at.is_not(None), runs.c.deletion.is_(None))
    found: str | None = read.execute(ended.order_by(runs.c.created_at.desc()).limit(1)).scalar()
    return found


def note(
    write: Write, notice_id: str, *, tries: int, sent: Micros | None, due: Micros | None, failure: str | None
) -> None:
    """What came of a try."""
    values = {"tries": tries, "sent_at": sent, "due_at": due, "failure": failure}
    write.execute(notices.update().where(notices.c.id == notice_id).values(values))


def forget(write: Write, before: Micros) -> None:
    """Those that were brought or given up before."""
    write.execute(notices.delete().where(notices.c.due_at.is_(None), notices.c.created_at < before))


_SHOWN = (
    notices.c.id,
    notices.c.rule_id,
    notices.c.run_id,
    runs.c.status,
    notices.c.tries,
    notices.c.created_at,
    notices.c.due_at,
    notices.c.sent_at,
    notices.c.failure,
)


def list_notices(read: Read, rule_ids: Sequence[str], most: int) -> list[NoticeView]:
    """The latest first."""
    statement = (
        sa.select(*_SHOWN)
        .join(runs, runs.c.id == notices.c.run_id)
        .where(notices.c.rule_id.in_(rule_ids))
        .order_by(notices.c.created_at.desc(), notices.c.id)
        .limit(most)
    )
    return [NoticeView(*tuple(row)) for row in read.execute(statement)]


def latest_of(read: Read, rule_ids: Sequence[str]) -> dict[str, NoticeView]:
    """The latest notice of each rule that has brought or is to bring one."""
    latest = (
        sa.select(notices.c.rule_id, sa.func.max(notices.c.created_at).label("at"))
        .where(notices.c.rule_id.in_(rule_ids))
        .group_by(notices.c.rule_id)
        .subquery()
    )
    same = (latest.c.rule_id == notices.c.rule_id) & (latest.c.at == notices.c.created_at)
    statement = sa.select(*_SHOWN).join(runs, runs.c.id == notices.c.run_id).join(latest, same)
    views = (NoticeView(*tuple(row)) for row in read.execute(statement))
    return {view.rule: view for view in views}


def _rule(row: sa.Row[Any]) -> Rule:
    return Rule(
        row.id,
        row.owner,
        Way(row.way),
        row.shown,
        row.experiment,
        tuple(row.ends.split(",")),
        bool(row.below),
        row.created_at,
    )
