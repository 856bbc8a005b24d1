"""The event files of an attempt: found, read while the script runs, and read to their end when it has ended."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faena.attempts.folder import AttemptFolder
from faena.attempts.follow import is_within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.attempts.event_files.conversion import EventFile

OFF = "FAENA_EVENT_FILES"
"""The run's variable that turns this off."""
_MARK = ".tfevents."
_PERIOD = 1.0
_A_LOOK = 1 << 18
"""Bytes of all files that a look reads: 40 ms of a core."""
_MOST_BYTES = 128 << 20
"""That are looked at of one attempt: 1.2 million numbers, 20 s of a core where all is left to the end."""
_MOST_FILES = 100
_MOST_ENTRIES = 10_000
_DEEPEST = 8


class EventFiles:
    """Nothing in them harms the run: what cannot be read is told at the end, as a note.

    Those of a script lie in its folder, perhaps with some of earlier runs that came with it: they have not been written
    since it started. Those of a process that started its run itself lie beside the run's outputs, with those of others:
    what was logged from `events_since` on is the run's.
    """

    def __init__(self, order: Mapping[str, Any], folder: AttemptFolder) -> None:
        self._folder = folder
        since, outputs = order.get("events_since"), order.get("outputs")
        self._since = since if isinstance(since, int) else 0
        self._beside = None if outputs is None else Path(outputs).parent
        """None: they lie in the attempt's folder."""
        self._is_on = not _is_off(order) if outputs is None else bool(outputs and self._since)
        self._files: dict[str, EventFile] = {}
        self._left = _MOST_BYTES
        self._due = 0.0
        self._turn = 0

    def look(self, *, at_once: bool = False) -> None:
        """Read on, if it is time to, or if somebody asks for what is there now."""
        if not self._is_on or (time.monotonic() < self._due and not at_once):
            return
        self._find()
        files = list(self._files.values())
        allowed = _A_LOOK
        for place in range(len(files)):
            allowed -= self._read(files[(self._turn + place) % len(files)], allowed)
            if allowed <= 0:
                break
        self._turn += 1  # so that a file that grows without end keeps no other back
        self._due = time.monotonic() + _PERIOD

    def finish(self) -> str:
        """Read all that is left; what is wrong with them, in a sentence, or nothing."""
        if not self._is_on:
            return ""
        self._find()
        for file in self._files.values():
            while self._read(file, _A_LOOK):
                pass
        found = [f"logs/{name}: {file.trouble}" for name, file in self._files.items() if file.trouble]
        if any(file.is_behind for file in self._files.values()):
            found.append("there was no room on the node's disk")
        if self._left <= 0:
            found.append(f"only their first {_MOST_BYTES >> 20} MiB were read")
        if len(self._files) >= _MOST_FILES:
            found.append(f"only {_MOST_FILES} of them were read")
        if not found:
            return ""
        more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
        return f"Of the event files in ./logs not everything became a metric: {'; '.join(found[:3])}{more}."

    def _read(self, file: EventFile, limit: int) -> int:
        looked = file.read_on(min(limit, self._left)) if self._left > 0 else 0
        self._left -= looked
        return looked

    @property
    def names(self) -> list[str]:
        """Of those that have been read, such as `logs/train/events.out.tfevents.…`."""
        return [f"logs/{name}" for name in self._files]

    def _find(self) -> None:
        here = AttemptFolder(self._folder.path)  # the workspace may be moved meanwhile
        above = self._beside or here.code
        logs = above / "logs"
        if not is_within(logs, above):  # a script may put a link in its place
            return
        since = self._since if self._beside else here.started_at()
        if since is None:
            return
        entries = iter(range(_MOST_ENTRIES))
        for name in _named(str(logs), since, "", 0, entries):
            if name not in self._files and len(self._files) < _MOST_FILES:
                from faena.attempts.event_files.conversion import EventFile  # few runs have any

                prefix = name.rpartition("/")[0]
                self._files[name] = EventFile(
                    logs / name, f"{prefix}/" if prefix else "", here.spool, self._since
                )


def _named(folder: str, since: int, prefix: str, depth: int, entries: Iterator[int]) -> Iterator[str]:
    """Event files below a folder that were written since, in the order of their names, by their names in it."""
    try:
        with os.scandir(folder) as found:
            there = sorted(
                (entry for entry, _ in zip(found, entries, strict=False)), key=lambda entry: entry.name
            )
    except OSError:
        return
    for entry in there:
        if entry.is_dir(follow_symlinks=False):
            if depth < _DEEPEST:
                yield from _named(entry.path, since, f"{prefix}{entry.name}/", depth + 1, entries)
        elif _MARK in entry.name and _is_written(entry, since):
            yield prefix + entry.name


def _is_written(entry: os.DirEntry[str], since: int) -> bool:
    """Whether it is a file that has been written to since."""
    try:
        return (
            entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime * 1e6 >= since
        )
    except OSError:
        return False


def _is_off(order: Mapping[str, Any]) -> bool:
    kinds = ("environment_variables", "defaults", "inherited_variables")
    given = [order[kind][OFF] for kind in kinds if OFF in order.get(kind, {})]
    return given[:1] == ["off"]
