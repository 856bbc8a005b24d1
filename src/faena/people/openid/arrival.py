"""Which person somebody is whom an issuer vouches for: one who is here, or somebody new."""

from __future__ import annotations

import sqlalchemy as sa

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.people.model import Role
from faena.people.openid.admission import Identity
from faena.people.openid.failures import NotSignedIn
from faena.people.store import people, put_person, removed


def arrive(write: Write, found: Identity, newcomers: str, now: Micros) -> str:
    """The person's name here. `newcomers`: the role of who comes for the first time; empty: nobody does.

    Whoever signed in once is known by the issuer's own id of them: neither another name there nor somebody else by the
    same name changes that. Raises NotSignedIn.
    """
    if (known := _by_identity(write, found)) is not None:
        return known
    if (added := _by_name(write, found)) is not None:
        write.execute(people.update().where(people.c.name == added).values(identity=found.subject))
        write.execute(removed.delete().where(removed.c.identity == found.subject))
        return added
    if _was_removed(write, found):
        raise NotSignedIn(
            f"{found.name} was removed from this workspace. An owner lets {found.name} in again: "
            f"faena person add {found.name}"
        )
    if not newcomers:
        raise NotSignedIn(
            f"{found.name} is not among the people of this workspace. An owner adds {found.name}: "
            f"faena person add {found.name}"
        )
    put_person(write, found.name, Role(newcomers), now)
    write.execute(people.update().where(people.c.name == found.name).values(identity=found.subject))
    return found.name


def _by_identity(read: Read, found: Identity) -> str | None:
    statement = sa.select(people.c.name).where(people.c.identity == found.subject)
    name: str | None = read.execute(statement).scalar()
    return name


def _by_name(read: Read, found: Identity) -> str | None:
    """Whom an owner has added. Raises NotSignedIn where somebody else of this name signed in before."""
    statement = sa.select(people.c.name, people.c.identity)
    is_same = people.c.name == found.name
    if "@" in found.name:  # owners write addresses as they like, and issuers have one form
        is_same = sa.func.lower(people.c.name) == found.name.lower()
    rows = [(str(row.name), row.identity) for row in read.execute(statement.where(is_same))]
    if len(rows) > 1:
        raise NotSignedIn(
            f"Several people here have the name {found.name}, in other letters. An owner removes all but one of them."
        )
    for name, identity in rows:
        if identity is not None:
            raise NotSignedIn(
                f"{name} signed in here before with another account of the same name. If both are you, an owner "
                f"removes {name} and adds {name} again."
            )
        return name
    return None


def _was_removed(read: Read, found: Identity) -> bool:
    is_same = sa.or_(removed.c.identity == found.subject, sa.func.lower(removed.c.name) == found.name.lower())
    return read.execute(sa.select(removed.c.name).where(is_same).limit(1)).first() is not None
