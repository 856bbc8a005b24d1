"""What a display needs of that which it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from faena.notebook.views.blocks import View


class Watch(Protocol):
    """Used by two threads: one follows, one looks."""

    def follow(self, changed: Callable[[], None], stopped: Callable[[], bool]) -> None:
        """Say `changed` whenever a look would show something else, until it is over or `stopped`. Raises nothing
        but what nobody expects."""

    def look(self) -> View:
        """As it is now. Raises ServerUnreachable and other FaenaErrors."""

    def has_ended(self) -> bool:
        """Whether the server, asked now and for seconds at most, says that nothing more will come."""

    def is_behind(self) -> bool:
        """Whether something has come since the last look."""

    def trouble(self, said: str) -> View | None:
        """The last look again, which says why it may be old; None: there was none."""
