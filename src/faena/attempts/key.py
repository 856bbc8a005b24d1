"""What an attempt is called, wherever its folder lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class AttemptKey:
    run_id: str
    attempt: int
    rank: int

    @classmethod
    def of_name(cls, name: str) -> AttemptKey:
        """Back from `name`. Raises ValueError for what is no attempt's."""
        run_id, attempt, rank = name.split("/")
        return cls(run_id, int(attempt), int(rank))

    @classmethod
    def of_folder(cls, folder: Path) -> AttemptKey:
        """Of the attempt whose folder it is: it is called so, whatever the records in it say."""
        return cls.of_name("/".join(folder.parts[-3:]))

    @property
    def name(self) -> str:
        return f"{self.run_id}/{self.attempt}/{self.rank}"

    @property
    def path(self) -> str:
        """In the server's addresses."""
        return f"/attempts/{quote(self.run_id, safe='')}/{self.attempt}/{self.rank}"

    def folder(self, attempts: Path) -> Path:
        """Below the folder of all attempts on the node's host."""
        return attempts / self.name
