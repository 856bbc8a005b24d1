"""What may be done with people and tokens. There is always an owner, once there is anybody."""

from __future__ import annotations

import re

from msgspec.structs import replace

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.people import sharing_store, store
from faena.people.model import Role, check_name, digest, lesser, new_token, role_of
from faena.people.schemas import TokenIn, TokenView

TOPIC = "people"
"""Notified when a role or a token is another one, or is no more."""
_LONGEST_LABEL = 120
_MOST_DAYS = 3650.0
_MOST_TOKENS = 1000
_ID = 12
_DIGEST = re.compile("[0-9a-f]{64}")


def put(write: Write, name: str, role: str, now: Micros) -> None:
    """Let somebody in, or change their role. Raises UserErrorException, and Conflict where no owner would be left."""
    given = role_of(role)
    if given is not Role.OWNER:
        _refuse_without_owner(write, name)
    store.put_person(write, check_name(name), given, now)
    write.notify(TOPIC)


def remove(write: Write, name: str, now: Micros) -> None:
    """End somebody's tokens. Raises NotFound, and Conflict where no owner would be left."""
    _role(write, name)
    _refuse_without_owner(write, name)
    store.remove_person(write, name, now)
    sharing_store.forget_person(write, name)
    write.notify(TOPIC)


def new(write: Write, name: str, asked: TokenIn, fingerprint: str, now: Micros) -> TokenView:
    """A token of a person, which is told this once. Raises NotFound and UserErrorException."""
    secret = new_token(fingerprint)
    return replace(keep(write, name, asked, digest(secret), now), token=secret)


def keep(write: Write, name: str, asked: TokenIn, found: str, now: Micros) -> TokenView:
    """A token that whoever shows it has made: `found` is its digest.

    Raises NotFound and UserErrorException, and Conflict where there is such a token.
    """
    if not _DIGEST.fullmatch(found):
        raise UserErrorException(f"{found[:80]!a} is no digest of a token: begin again with `faena login`.")
    if store.read_count(write, store.tokens.c.id == found[:_ID]):
        raise Conflict("There is such a token already: begin again with `faena login`.")
    own = _role(write, name)
    most = lesser(role_of(asked.role), own) if asked.role else Role.OWNER
    label = " ".join(asked.label.split())
    if len(label) > _LONGEST_LABEL or not (label.isprintable()):
        raise UserErrorException(f"The label of a token has 1 to {_LONGEST_LABEL} printable characters.")
    if asked.days is not None and not 0 < asked.days <= _MOST_DAYS:
        raise UserErrorException(
            f"days is {asked.days:g}. Use more than 0 and at most {_MOST_DAYS:g}, or null for one that does not end."
        )
    if len(store.list_tokens(write, name)) >= _MOST_TOKENS:
        raise UserErrorException(
            f"{name} has had {_MOST_TOKENS} tokens. Remove the person, or use another name."
        )
    expires = None if asked.days is None else now + int(asked.days * 86_400e6)
    made = TokenView(found[:_ID], name, label, most.value, now, expires)
    store.add_token(write, made, found)
    return made


def revoke(write: Write, name: str, token_id: str, now: Micros) -> None:
    """Raises NotFound."""
    if not store.revoke(write, name, token_id, now):
        raise NotFound(
            f"{name[:64]} has no token {token_id[:40]!a}. `faena token list` has those that there are."
        )
    write.notify(TOPIC)


def _role(read: Read, name: str) -> Role:
    found = store.role_of(read, name)
    if found is None:
        raise NotFound(f"There is no person {name[:80]!a} here. `faena people` lists those that there are.")
    return found


def _refuse_without_owner(read: Read, name: str) -> None:
    if store.owners(read) == [name]:
        raise Conflict(
            f"{name} is the only owner. Make somebody else one first: `faena person add NAME --role owner`."
        )
