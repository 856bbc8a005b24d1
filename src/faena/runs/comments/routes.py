"""HTTP of comments on runs. Whoever may add to the workspace may comment; an author changes and deletes their own."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Request, delete, get, patch, post

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.errors import NotAllowed
from faena.kernel.rights import CONTRIBUTE, READ
from faena.people.callers import ask_same, caller_of
from faena.runs.comments import service
from faena.runs.comments.schemas import CommentText, CommentView

Asking = Request[Any, Any, Any]


@get("/{run_id:str}/comments", summary="What people said of a run, the oldest first", opt=READ)
async def list_comments(run_id: str, database: Database) -> list[CommentView]:
    return await database.read(lambda read: service.listed(read, run_id))


@post("/{run_id:str}/comments", summary="Comment on a run", opt=CONTRIBUTE)
async def add_comment(run_id: str, data: CommentText, database: Database, clock: Clock) -> CommentView:
    return await database.write(lambda write: service.add(write, run_id, data, clock.now()))


@patch("/{run_id:str}/comments/{comment_id:str}", summary="Replace the text of a comment", opt=CONTRIBUTE)
async def change_comment(
    run_id: str, comment_id: str, data: CommentText, database: Database, clock: Clock, request: Asking
) -> CommentView:
    may = partial(_ask_author, request)
    return await database.write(
        lambda write: service.change(write, run_id, comment_id, data, clock.now(), may)
    )


@delete("/{run_id:str}/comments/{comment_id:str}", summary="Delete a comment", opt=CONTRIBUTE)
async def delete_comment(run_id: str, comment_id: str, database: Database, request: Asking) -> None:
    """Owners may delete those of others; they may not change them."""
    may = partial(ask_same, request)
    await database.write(lambda write: service.remove(write, run_id, comment_id, may))


def _ask_author(request: Asking, author: str) -> None:
    caller = caller_of(request)
    if caller is not None and caller.person != author:
        raise NotAllowed(
            f"What {author[:64]} wrote is for {author[:64]} to change. Write a comment of your own."
        )


handlers = [list_comments, add_comment, change_comment, delete_comment]
