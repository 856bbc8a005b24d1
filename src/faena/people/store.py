"""SQL of people, their tokens and the audit log."""

from __future__ import annotations

import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, upsert
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.people.model import Caller, Role, lesser
from faena.people.schemas import AuditEntry, PersonView, TokenView

people = sa.Table(
    "people",
    metadata,
    sa.Column("name", String(64), primary_key=True),
    sa.Column("role", String(16), nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("identity", String(64)),
    sa.Column("seen_at", BigInteger),
    sa.Index("people_by_identity", "identity", unique=True),
)
"""`identity`: a digest of the issuer that they signed in by and of its id of them. `seen_at`: to the minute."""

removed = sa.Table(
    "removed_people",
    metadata,
    sa.Column("name", String(64), primary_key=True),
    sa.Column("identity", String(64), index=True),
    sa.Column("removed_at", BigInteger, nullable=False),
)
"""Whom an owner let in no more: no issuer brings them back."""

tokens = sa.Table(
    "person_tokens",
    metadata,
    sa.Column("digest", String(64), primary_key=True),
    sa.Column("id", String(16), nullable=False, unique=True),
    sa.Column("person", String(64), nullable=False, index=True),
    sa.Column("label", String(120), nullable=False),
    sa.Column("role", String(16), nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("expires_at", BigInteger),
    sa.Column("revoked_at", BigInteger),
    sa.Column("used_at", BigInteger),
)
"""`role`: the most that it is good for. Those of a person who was removed are revoked, and stay for the record."""

sessions = sa.Table(
    "person_sessions",
    metadata,
    sa.Column("digest", String(64), primary_key=True),
    sa.Column("person", String(64), nullable=False, index=True),
    sa.Column("token", String(16)),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("until", BigInteger, nullable=False),
)
"""Browsers that are signed in, by the digests of their cookies. `token`: the id of that which they signed in with."""

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("number", Integer, primary_key=True),
    sa.Column("at", BigInteger, nullable=False, index=True),
    sa.Column("person", String(64), nullable=False),
    sa.Column("token", String(16), nullable=False),
    sa.Column("verb", String(8), nullable=False),
    sa.Column("path", Text, nullable=False),
    sa.Column("status", Integer, nullable=False),
    sa.Column("address", String(64), nullable=False),
)


def put_person(write: Write, name: str, role: Role, now: Micros) -> None:
    """Whoever was removed may come again."""
    write.execute(removed.delete().where(sa.func.lower(removed.c.name) == name.lower()))
    if role_of(write, name) is None:
        upsert(write, people, {"name": name, "role": role.value, "created_at": now})
    else:
        write.execute(people.update().where(people.c.name == name).values(role=role.value))


def remove_person(write: Write, name: str, now: Micros) -> None:
    """Their tokens end with them, their browsers are signed out, and no issuer brings them back."""
    identity = write.execute(sa.select(people.c.identity).where(people.c.name == name)).scalar()
    upsert(write, removed, {"name": name, "identity": identity, "removed_at": now})
    write.execute(people.delete().where(people.c.name == name))
    write.execute(sessions.delete().where(sessions.c.person == name))
    held = sa.and_(tokens.c.person == name, tokens.c.revoked_at.is_(None))
    write.execute(tokens.update().where(held).values(revoked_at=now))


def role_of(read: Read, name: str) -> Role | None:
    found = read.execute(sa.select(people.c.role).where(people.c.name == name)).scalar()
    return None if found is None else Role(found)


def was_removed(read: Read, name: str) -> bool:
    of_name = removed.c.name == name
    return read.execute(sa.select(removed.c.name).where(of_name)).first() is not None


def let_in_at(read: Read, name: str) -> Micros | None:
    """None for nobody's name."""
    found: Micros | None = read.execute(sa.select(people.c.created_at).where(people.c.name == name)).scalar()
    return found


def owners(read: Read) -> list[str]:
    owning = people.c.role == Role.OWNER.value
    return list(read.execute(sa.select(people.c.name).where(owning).order_by(people.c.name)).scalars())


def list_people(read: Read) -> list[PersonView]:
    statement = sa.select(people.c.name, people.c.role, people.c.created_at, people.c.seen_at)
    return [PersonView(*tuple(row)) for row in read.execute(statement.order_by(people.c.name))]


def add_token(write: Write, view: TokenView, digest: str) -> None:
    values = {
        name: getattr(view, name) for name in ("id", "person", "label", "role", "created_at", "expires_at")
    }
    write.execute(tokens.insert().values(digest=digest, **values))


def list_tokens(read: Read, person: str) -> list[TokenView]:
    shown = [getattr(tokens.c, name) for name in TokenView.__struct_fields__ if name != "token"]
    statement = sa.select(*shown).where(tokens.c.person == person).order_by(tokens.c.created_at, tokens.c.id)
    return [TokenView(*tuple(row)) for row in read.execute(statement)]


def revoke(write: Write, person: str, token_id: str, now: Micros) -> bool:
    """Whether there is such a token; one that was revoked stays so."""
    of_person = sa.and_(tokens.c.person == person, tokens.c.id == token_id)
    if read_count(write, of_person) == 0:
        return False
    write.execute(tokens.update().where(of_person, tokens.c.revoked_at.is_(None)).values(revoked_at=now))
    return True


def read_count(read: Read, condition: sa.ColumnElement[bool]) -> int:
    return int(read.execute(sa.select(sa.func.count()).select_from(tokens).where(condition)).scalar_one())


_CALLER = Prepared(
    sa.select(tokens.c.person, tokens.c.id, tokens.c.role, people.c.role, tokens.c.used_at)
    .join(people, people.c.name == tokens.c.person)
    .where(
        tokens.c.digest == sa.bindparam("digest"),
        tokens.c.revoked_at.is_(None),
        sa.or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > sa.bindparam("now")),
    )
)


def caller(read: Read, digest: str, now: Micros) -> tuple[Caller, Micros] | None:
    """Who shows the token of this digest, and when one last did; None where it is good for nothing."""
    row = read.execute(_CALLER, {"digest": digest, "now": now}).first()
    if row is None:
        return None
    person, token, most, role, used = row
    return Caller(person, token, lesser(Role(most), Role(role))), used or 0


def use(write: Write, digest: str, person: str, now: Micros) -> None:
    """The token of this digest was shown by its person."""
    write.execute(tokens.update().where(tokens.c.digest == digest).values(used_at=now))
    see(write, person, now)


def see(write: Write, person: str, now: Micros) -> None:
    write.execute(people.update().where(people.c.name == person).values(seen_at=now))


_TOLD = [name for name in AuditEntry.__struct_fields__ if name != "number"]
_ADD_ENTRY = Prepared(
    audit_log.insert().values({name: sa.bindparam(name) for name in _TOLD}).returning(audit_log.c.number)
)


def add_entry(write: Write, told: AuditEntry) -> int:
    """Its number, which is given here."""
    return int(write.execute(_ADD_ENTRY, {name: getattr(told, name) for name in _TOLD}).scalar())


def set_status(write: Write, number: int, status: int) -> None:
    write.execute(audit_log.update().where(audit_log.c.number == number).values(status=status))


def list_entries(read: Read, person: str | None, before: int | None, most: int) -> list[AuditEntry]:
    """The latest first."""
    statement = sa.select(*audit_log.c)
    if person is not None:
        statement = statement.where(audit_log.c.person == person)
    if before is not None:
        statement = statement.where(audit_log.c.number < before)
    rows = read.execute(statement.order_by(audit_log.c.number.desc()).limit(most))
    return [AuditEntry(*tuple(row)) for row in rows]


def count_entries(read: Read, before: Micros) -> int:
    """Of the audit log, that are older, the latest of all not counted."""
    return int(
        read.execute(sa.select(sa.func.count()).select_from(audit_log).where(_older(before))).scalar_one()
    )


def remove_entries(write: Write, before: Micros, most: int) -> int:
    """How many went of those that `count_entries` counts: the oldest, so many at most."""
    oldest = sa.select(audit_log.c.number).where(_older(before)).order_by(audit_log.c.at).limit(most)
    return int(write.execute(audit_log.delete().where(audit_log.c.number.in_(oldest))).rowcount)


def _older(before: Micros) -> sa.ColumnElement[bool]:
    """Without the latest of all: its number would be given to another row."""
    latest = sa.select(sa.func.max(audit_log.c.number)).scalar_subquery()
    return sa.and_(audit_log.c.at < before, audit_log.c.number < latest)
