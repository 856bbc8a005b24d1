"""A comment on a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faena.client.requests.comments import CommentApi
    from faena.runs.comments.schemas import CommentView


class Comment:
    """What one person said of a run; an author changes and deletes their own, an owner may delete those of others."""

    def __init__(self, api: CommentApi, run_id: str, view: CommentView) -> None:
        self._api = api
        self._view = view
        self.run_id = run_id

    @property
    def id(self) -> str:
        return self._view.id

    @property
    def author(self) -> str:
        """Empty where the system had no name for them."""
        return self._view.author

    @property
    def text(self) -> str:
        """As it was written; pages show it as Markdown."""
        return self._view.text

    @property
    def created_at(self) -> datetime:
        """In UTC."""
        return datetime.fromtimestamp(self._view.created_at / 1e6, UTC)

    @property
    def changed_at(self) -> datetime | None:
        """When its text was last replaced, in UTC; None: never."""
        at = self._view.changed_at
        return None if at is None else datetime.fromtimestamp(at / 1e6, UTC)

    def change(self, text: str) -> None:
        """Replace the text, 1 to 20,000 characters. Raises NotAllowed where another person wrote it, NotFound."""
        self._view = self._api.change(self.run_id, self.id, text)

    def delete(self) -> None:
        """Raises NotAllowed where another person wrote it and this one is no owner, NotFound where it is gone."""
        self._api.delete(self.run_id, self.id)

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= 60 else f"{self.text[:59]}…"
        return f"Comment({self.author}, {self.created_at:%Y-%m-%d %H:%M}, {text!r})"
