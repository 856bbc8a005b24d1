"""Wire types of comments on runs. Times are microseconds since the epoch, UTC."""

from __future__ import annotations

from msgspec import Struct

from faena.kernel.user_names import UserName

LONGEST = 20_000
"""Characters of a comment."""
LONGEST_AUTHOR = 255
MOST = 10_000
"""Comments of a run."""


class CommentView(Struct, frozen=True):
    id: str
    author: str
    """Whoever wrote it, as the workspace knows them; empty where the system had no name."""
    text: str
    """As it was written; Markdown on pages."""
    created_at: int
    changed_at: int | None = None
    """When its text was last replaced; None: never."""


class CommentText(Struct, frozen=True, forbid_unknown_fields=True):
    text: str
    author: UserName = ""
    id: str = ""
    """32 hexadecimal digits of the client, by which a request that is sent again is recognised. Empty: a new one."""
