"""Retention rules, by name."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Read, String, Write, metadata, upsert
from faena.kernel.clock import Micros
from faena.tidying.schemas import AnyRule, RuleView

rules = sa.Table(
    "retention_rules",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("definition", sa.LargeBinary, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
)


def put(write: Write, name: str, rule: AnyRule, now: Micros) -> None:
    """Add a rule, or replace the one of that name."""
    row = {"name": name, "definition": msgspec.json.encode(rule), "created_at": now}
    upsert(write, rules, row, update=["definition"])


def remove(write: Write, name: str) -> bool:
    return bool(write.execute(rules.delete().where(rules.c.name == name)).rowcount)


def listed(read: Read) -> list[RuleView]:
    """By name."""
    return [
        RuleView(row.name, msgspec.json.decode(row.definition, type=AnyRule), row.created_at)
        for row in read.execute(sa.select(rules).order_by(rules.c.name))
    ]
