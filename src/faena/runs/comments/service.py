"""Use cases of comments on runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.kernel.ids import new_request_id
from faena.runs import service, transitions
from faena.runs.comments import store
from faena.runs.comments.schemas import LONGEST, LONGEST_AUTHOR, MOST, CommentText, CommentView

May = Callable[[str], None]
"""Given an author, raises NotAllowed where whoever asks may not touch what that person wrote."""
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def listed(read: Read, run_id: str) -> list[CommentView]:
    """The oldest first. Raises NotFound."""
    service.get(read, run_id)
    return store.list_comments(read, run_id)


def add(write: Write, run_id: str, asked: CommentText, now: Micros) -> CommentView:
    """The same id again changes nothing. Raises NotFound, Conflict, UserErrorException for an empty or long text."""
    service.get(write, run_id)
    text = _checked(asked.text)
    if asked.id:
        _check_id(asked.id)
    if asked.id and (found := store.find(write, run_id, asked.id)) is not None:
        if (found.author, found.text) != (asked.author, text):
            raise Conflict(f"Run {run_id} has another comment {asked.id}. Leave the id out for a new one.")
        return found
    if store.count(write, run_id) >= MOST:
        raise UserErrorException(f"Run {run_id} has {MOST:,} comments. Delete one before another is added.")
    made = CommentView(asked.id or new_request_id(), asked.author, text, now)
    store.add(write, run_id, [made])
    write.notify(transitions.topic(run_id))
    return made


def check(comments: Sequence[CommentView]) -> None:
    """Whether those of a run that comes from elsewhere can be kept. Raises UserErrorException."""
    if len(comments) > MOST:
        raise UserErrorException(f"it has {len(comments):,} comments. At most {MOST:,} are kept.")
    for each in comments:
        _check_id(each.id)
        _checked(each.text)
        if len(each.author) > LONGEST_AUTHOR:
            raise UserErrorException(
                f"the author of its comment {each.id} has {len(each.author):,} characters."
            )


def take(write: Write, run_id: str, comments: Sequence[CommentView]) -> None:
    """Those that came with a run. One that another run has, whose copy it is, gets an id of its own."""
    taken = store.taken(write, [each.id for each in comments])
    store.add(
        write, run_id, [replace(each, id=new_request_id()) if each.id in taken else each for each in comments]
    )


def change(
    write: Write, run_id: str, comment_id: str, asked: CommentText, now: Micros, may: May
) -> CommentView:
    """Replace its text. Raises NotFound, NotAllowed and UserErrorException."""
    found = _get(write, run_id, comment_id)
    may(found.author)
    text = _checked(asked.text)
    store.change(write, found.id, text, now)
    write.notify(transitions.topic(run_id))
    return replace(found, text=text, changed_at=now)


def remove(write: Write, run_id: str, comment_id: str, may: May) -> None:
    """Raises NotFound and NotAllowed."""
    found = _get(write, run_id, comment_id)
    may(found.author)
    store.remove(write, found.id)
    write.notify(transitions.topic(run_id))


def _get(read: Read, run_id: str, comment_id: str) -> CommentView:
    service.get(read, run_id)
    found = store.find(read, run_id, comment_id) if _ID.fullmatch(comment_id) else None
    if found is None:
        raise NotFound(f"Run {run_id} has no comment {comment_id[:80]!r}. It may have been deleted.")
    return found


def _check_id(value: str) -> None:
    if not _ID.fullmatch(value):
        raise UserErrorException(f"{value[:80]!r} cannot be a comment's id. Use 32 hexadecimal digits.")


def _checked(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST:
        raise UserErrorException(
            f"A comment cannot have {len(text):,} characters. Write 1 to {LONGEST:,}; keep more as a file of the run."
        )
    return text
