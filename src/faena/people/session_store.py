"""SQL of the browsers that are signed in."""

from __future__ import annotations

import sqlalchemy as sa

from faena.db import Read, Write
from faena.db.prepared import Prepared
from faena.kernel.clock import Micros
from faena.people.model import Caller, Role, lesser
from faena.people.store import people, sessions, tokens

_CALLER = Prepared(
    sa.select(
        sessions.c.person,
        tokens.c.id,
        tokens.c.role,
        people.c.role,
        sessions.c.created_at,
        people.c.seen_at,
    )
    .select_from(sessions)
    .join(people, people.c.name == sessions.c.person)
    .outerjoin(tokens, tokens.c.id == sessions.c.token)
    .where(
        sessions.c.digest == sa.bindparam("digest"),
        sessions.c.until > sa.bindparam("now"),
        sa.or_(
            sessions.c.token.is_(None),
            sa.and_(
                tokens.c.id.is_not(None),
                tokens.c.revoked_at.is_(None),
                sa.or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > sa.bindparam("now")),
            ),
        ),
    )
)


def caller(read: Read, digest: str, now: Micros) -> tuple[Caller, Micros] | None:
    """Whose browser shows the cookie of this digest, and when they were last seen; None where it is good for nothing,
    or its token is."""
    row = read.execute(_CALLER, {"digest": digest, "now": now}).first()
    if row is None:
        return None
    person, token, most, role, since, seen = row
    least = Role(role) if most is None else lesser(Role(most), Role(role))
    return Caller(person, token or "", least, since), seen or 0


def add(write: Write, digest: str, person: str, token: str | None, now: Micros, until: Micros) -> None:
    """Those that are over go."""
    write.execute(sessions.delete().where(sessions.c.until <= now))
    values = {"digest": digest, "person": person, "token": token, "created_at": now, "until": until}
    write.execute(sessions.insert().values(**values))


def end(write: Write, digest: str) -> None:
    write.execute(sessions.delete().where(sessions.c.digest == digest))
