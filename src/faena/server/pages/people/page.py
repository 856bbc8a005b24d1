"""What the pages about people show."""

from __future__ import annotations

from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.people import store
from faena.people.schemas import AuditEntry, PersonView, TokenView
from faena.server.pages.rendering import with_query

PATH = "/ui/people"
AUDIT = "/ui/audit"
_ROWS = 100


class TokenRow(Struct, frozen=True):
    view: TokenView
    state: str
    """`good`, `revoked` or `expired`."""


class People(Struct, frozen=True):
    rows: list[PersonView]
    of: str
    """Whose tokens are shown; empty: nobody's."""
    tokens: list[TokenRow]


class Audit(Struct, frozen=True):
    rows: list[AuditEntry]
    person: str
    older: str
    """The address of the page behind this one; empty: this is the last."""
    newest: str
    """That of the first page; empty where this is it."""


def people(read: Read, of: str, now: Micros) -> People:
    """Raises NotFound where `of` names nobody."""
    rows = store.list_people(read)
    if of and all(each.name != of for each in rows):
        raise NotFound(f"There is no person {of[:80]!a} here.")
    tokens = store.list_tokens(read, of) if of else []
    return People(rows, of, [TokenRow(each, _state(each, now)) for each in reversed(tokens)])


def audit(read: Read, person: str, before: int | None) -> Audit:
    found = store.list_entries(read, person or None, before, _ROWS + 1)
    shown = found[:_ROWS]
    older = ""
    if len(found) > _ROWS:
        older = with_query(AUDIT, {"person": person, "before": str(shown[-1].number)})
    return Audit(shown, person, older, with_query(AUDIT, {"person": person}) if before is not None else "")


def _state(token: TokenView, now: Micros) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "good"
