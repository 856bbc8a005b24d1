"""Which modules the scripts of an environment have loaded, for whoever loads them ahead: a file an environment."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from faena.kernel import digests
from faena.kernel.durable import write_whole
from faena.kernel.preloading import BREAKS

_LARGEST = 1 << 20
_MOST_MODULES = 5000
_LONGEST_NAME = 200
_MOST_RECORDS = 200


@dataclass(frozen=True, slots=True)
class Record:
    modules: tuple[str, ...] = ()
    """In the order in which they were first loaded."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Top-level names that do harm to a process that is forked, and why."""

    def learned(self, names: Iterable[object]) -> Record:
        """With what a script has loaded besides; itself where that is nothing to be loaded ahead."""
        known = set(self.modules)
        new = [
            name
            for name in names
            if isinstance(name, str) and name not in known and self._may_be_loaded(name)
        ]
        if not new:
            return self
        return Record((*self.modules, *dict.fromkeys(new))[:_MOST_MODULES], self.left_out)

    def _may_be_loaded(self, name: str) -> bool:
        parts = name.split(".")
        return (
            len(name) <= _LONGEST_NAME
            and all(map(str.isidentifier, parts))
            and parts[-1] != "__main__"
            and parts[0] not in BREAKS
            and parts[0] not in self.left_out
        )


def read(folder: Path, environment: str) -> Record:
    """That of an environment, named by its lock or interpreter; an empty one where there is none that can be read."""
    try:
        with _path(folder, environment).open("rb") as file:
            found = json.loads(file.read(_LARGEST))
        left_out = {str(name): str(why) for name, why in found["left_out"].items()}
        return Record((), left_out).learned(found["modules"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Record()


def write(folder: Path, environment: str, record: Record) -> None:
    """Nobody needs it: what cannot be written is learned again."""
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = json.dumps({"modules": record.modules, "left_out": record.left_out})
        write_whole(_path(folder, environment), text.encode(), mode=0o600)
        there = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in there[:-_MOST_RECORDS]:
            path.unlink(missing_ok=True)


def _path(folder: Path, environment: str) -> Path:
    return folder / f"{digests.of_bytes(environment.encode())}.json"
