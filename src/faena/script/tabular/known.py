"""What reading a dataset has shown that its first rows did not."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Known:
    """What was seen in a dataset's files, shared by the datasets that are made of it."""

    def __init__(self) -> None:
        self.widened: set[str] = set()
        self.added: dict[str, dict[str, Any]] = {}
        """Columns of JSON lines that the first rows have not, and their types."""
