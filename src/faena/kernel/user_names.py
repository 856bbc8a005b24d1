"""Marks fields of requests that say who asks: of a person whose token the server knows, it says so itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class OfCaller:
    """The mark."""


UserName = Annotated[str, OfCaller()]
"""What the client says counts over the workspace's Unix socket, whose clients are of that host, and for its token."""
