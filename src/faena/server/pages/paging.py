"""A page of a long list: which rows it has, and the addresses of those before and after it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from faena.server.pages.rendering import with_query

ROWS = 50


class Paged(Struct, frozen=True):
    """Rows from `start` on of `total`; `text`: what their names are asked to have in them."""

    path: str
    total: int
    start: int = 0
    text: str = ""
    rows: int = ROWS
    others: dict[str, str] = field(default_factory=dict)
    """What else the address says."""
    key: str = "from"
    """What the address calls the place of the first row."""

    @property
    def previous(self) -> str:
        """Empty where there is none, as `next`."""
        return self._at(max(0, self.start - self.rows)) if self.start > 0 else ""

    @property
    def next(self) -> str:
        return self._at(self.start + self.rows) if self.start + self.rows < self.total else ""

    @property
    def said(self) -> str:
        """`51 to 100 of 10,000`; empty where all is shown."""
        if not (self.previous or self.next):
            return ""
        if self.start >= self.total:
            return f"{self.total:,} in all"
        return f"{self.start + 1:,} to {min(self.total, self.start + self.rows):,} of {self.total:,}"

    def _at(self, start: int) -> str:
        values: Mapping[str, str | None] = {
            "q": self.text,
            **self.others,
            self.key: str(start) if start else None,
        }
        return with_query(self.path, values)
