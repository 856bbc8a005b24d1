"""A package index, as it is asked."""

from __future__ import annotations

from typing import NamedTuple


class Index(NamedTuple):
    url: str
    credentials: tuple[str, str] | None = None
    """User and password; None: those of ~/.netrc, if there are any."""
