"""Comments on the page of a run."""

from __future__ import annotations

from markupsafe import Markup
from msgspec import Struct

from faena.db import Read
from faena.runs.comments import store
from faena.server.pages import words
from faena.server.pages.run import notes

_SHOWN = 100
"""The latest: the page is made again and again while a run goes on."""


class Said(Struct, frozen=True):
    id: str
    author: str
    at: str
    """For programs."""
    when: str
    changed: str
    """When its text was last replaced; empty: never."""
    text: Markup


class Comments(Struct, frozen=True):
    said: list[Said]
    """The oldest first."""
    earlier: int
    """Before those, left out."""


def build(read: Read, run_id: str) -> Comments:
    found = store.list_comments(read, run_id)
    said = [
        Said(
            each.id,
            each.author,
            words.iso(each.created_at),
            words.when(each.created_at),
            words.when(each.changed_at),
            notes.rendered(each.text),
        )
        for each in found[-_SHOWN:]
    ]
    return Comments(said, len(found) - len(said))
