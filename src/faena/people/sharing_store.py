"""SQL of experiments that somebody keeps to themselves, and of those whom they are shared with."""

from __future__ import annotations

import sqlalchemy as sa

from faena.db import Integer, Read, String, Write, metadata
from faena.db.hiding import View
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.people.model import Role
from faena.workspaces.store import PRIVATE, experiments

shared = sa.Table(
    "experiment_people",
    metadata,
    sa.Column("experiment_id", Integer, primary_key=True),
    sa.Column("person", String(64), primary_key=True),
    sa.Column("role", String(16), nullable=False),
)

_PRIVATE = Prepared(
    sa.select(experiments.c.id, experiments.c.name, shared.c.role)
    .select_from(experiments)
    .outerjoin(
        shared, sa.and_(shared.c.experiment_id == experiments.c.id, shared.c.person == sa.bindparam("person"))
    )
    .where(PRIVATE, sa.or_(experiments.c.owner.is_(None), experiments.c.owner != sa.bindparam("person")))
)


def view_of(read: Read, person: str) -> View:
    """What is there for somebody who does not own the workspace."""
    hidden: dict[int, str] = {}
    read_only: dict[int, str] = {}
    for number, name, role in read.execute(_PRIVATE, {"person": person}):
        if role is None:
            hidden[number] = name
        elif role == Role.READER.value:
            read_only[number] = name
    return View(hidden, read_only)


def owner(read: Read, number: int) -> tuple[str | None, bool]:
    """Whose an experiment is, and whether they keep it to themselves."""
    row = read.execute(
        sa.select(experiments.c.owner, experiments.c.private_at).where(experiments.c.id == number)
    ).one()
    return row.owner, row.private_at is not None


def shared_with(read: Read, number: int) -> dict[str, str]:
    """Roles by person."""
    statement = sa.select(shared.c.person, shared.c.role).where(shared.c.experiment_id == number)
    return {row.person: row.role for row in read.execute(statement.order_by(shared.c.person))}


def keep(write: Write, number: int, owner: str | None, private_at: Micros | None) -> None:
    of_experiment = experiments.c.id == number
    write.execute(experiments.update().where(of_experiment).values(owner=owner, private_at=private_at))


def share(write: Write, number: int, people: dict[str, str]) -> None:
    """With these and nobody else."""
    write.execute(shared.delete().where(shared.c.experiment_id == number))
    rows = [{"experiment_id": number, "person": name, "role": role} for name, role in people.items()]
    if rows:
        write.execute(shared.insert().values(rows))


def forget_person(write: Write, person: str) -> None:
    """Whoever comes later by the same name is somebody else: what was theirs is for owners of the workspace alone."""
    write.execute(shared.delete().where(shared.c.person == person))
    write.execute(experiments.update().where(experiments.c.owner == person).values(owner=None))
