"""SQL of comments on runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import BigInteger, Read, String, Text, Write, lists, metadata
from faena.kernel.clock import Micros
from faena.runs.comments.schemas import CommentView
from faena.runs.store import OF_RUN

comments = sa.Table(
    "run_comments",
    metadata,
    sa.Column("id", String(32), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False, info=OF_RUN),
    sa.Column("author", String(255), nullable=False),
    sa.Column("text", Text, nullable=False),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("changed_at", BigInteger),
    sa.Index("run_comments_in_order", "run_id", "created_at", "id"),
)


_BY_ID = lists.prepared_for(lambda ids: sa.select(comments.c.id).where(comments.c.id.in_(ids)))


def list_comments(read: Read, run_id: str) -> list[CommentView]:
    """The oldest first."""
    order = (comments.c.created_at, comments.c.id)
    return [_view(row) for row in read.execute(_of_run(run_id).order_by(*order))]


def find(read: Read, run_id: str, comment_id: str) -> CommentView | None:
    row = read.execute(_of_run(run_id).where(comments.c.id == comment_id)).first()
    return None if row is None else _view(row)


def count(read: Read, run_id: str) -> int:
    found: int = read.execute(
        sa.select(sa.func.count()).select_from(comments).where(comments.c.run_id == run_id)
    ).scalar_one()
    return found


def taken(read: Read, ids: Sequence[str]) -> set[str]:
    """Those that there are already, of whatever run."""
    rows = lists.execute(read, _BY_ID, ids)
    return {row.id for row in rows}


def add(write: Write, run_id: str, made: Sequence[CommentView]) -> None:
    rows = [
        {
            "id": each.id,
            "run_id": run_id,
            "author": each.author,
            "text": each.text,
            "created_at": each.created_at,
            "changed_at": each.changed_at,
        }
        for each in made
    ]
    if rows:
        write.execute(comments.insert(), rows)


def change(write: Write, comment_id: str, text: str, now: Micros) -> None:
    write.execute(comments.update().where(comments.c.id == comment_id).values(text=text, changed_at=now))


def remove(write: Write, comment_id: str) -> None:
    write.execute(comments.delete().where(comments.c.id == comment_id))


def _of_run(run_id: str) -> sa.Select[Any]:
    return sa.select(
        comments.c.id, comments.c.author, comments.c.text, comments.c.created_at, comments.c.changed_at
    ).where(comments.c.run_id == run_id)


def _view(row: sa.Row[Any]) -> CommentView:
    return CommentView(row.id, row.author, row.text, row.created_at, row.changed_at)
