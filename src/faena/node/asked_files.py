"""Answers what the server asks about files that a script has written so far, which nobody else can reach."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from faena.attempts.api import ServerApi
from faena.attempts.folder import SPECIAL, AttemptFolder
from faena.attempts.key import AttemptKey
from faena.attempts.output_names import remains
from faena.attempts.whole_copies import copied, too_large
from faena.kernel import disk_space
from faena.kernel.errors import FaenaError, StorageFull
from faena.node import room

_MOST_NAMES = 10_000
_LONGEST_NAMES = 2 << 20
"""Characters of all names together."""
_LARGEST = 1 << 30
"""Bytes of a file that is sent while its script may write it: it is copied first."""


class AskedFiles:
    """Of one attempt on a node elsewhere."""

    def __init__(self, api: ServerApi, key: AttemptKey, folder: AttemptFolder) -> None:
        self._api = api
        self._key = key
        self._folder = folder

    def hear(self, questions: Iterable[dict[str, Any]]) -> None:
        """Answers each on a thread of its own: a file may take long."""
        for each in questions:
            threading.Thread(target=self._answer, args=(each,), name="asked-files", daemon=True).start()

    def _answer(self, question: dict[str, Any]) -> None:
        try:
            found = self._names() if question["what"] == "names" else self._send(question)
        except (OSError, FaenaError) as error:
            found = {"files": {}, "error": _told(error)}
        try:
            self._api.answer(self._key, question["id"], json.dumps(found).encode())
        except FaenaError as error:
            print(f"the server did not take an answer about files: {error.message}", flush=True)

    def _files(self) -> dict[str, Path]:
        return remains(self._folder.code, SPECIAL)[0]

    def _names(self) -> dict[str, Any]:
        found = list(_sizes(self._files()))
        left = _LONGEST_NAMES
        listed = []
        for name, size in found[:_MOST_NAMES]:
            left -= len(name)
            if left < 0:
                break
            listed.append([name, size])
        return {"files": listed, "left_out": len(found) - len(listed)}

    def _send(self, question: dict[str, Any]) -> dict[str, Any]:
        there = self._files()
        most = min(question["most"] or _LARGEST, _LARGEST)
        sent: dict[str, list[Any]] = {}
        for name in question["names"]:
            if (path := there.get(name)) is None:
                continue
            try:
                size = path.stat().st_size
                if size > most:
                    return {"error": too_large(name, most)}
                if (free := disk_space.free(path.parent)) is not None and free < size + room.ENOUGH:
                    raise StorageFull(f"Its machine has no room for a copy of {name!a}.")
                with copied(name, path, self._folder.path) as copy:
                    sent[name] = [self._api.send(_path_of(copy)), _size(copy)]
            except FileNotFoundError:  # it went meanwhile
                continue
        return {"files": sent}


def _sizes(files: dict[str, Path]) -> Iterator[tuple[str, int]]:
    for name in sorted(files):
        try:
            yield name, files[name].stat().st_size
        except OSError:  # it went meanwhile
            continue


def _path_of(copy: IO[bytes]) -> str:
    """Of a file without a name."""
    return f"/proc/self/fd/{copy.fileno()}"


def _size(copy: IO[bytes]) -> int:
    return copy.seek(0, 2)


def _told(error: OSError | FaenaError) -> str:
    return (
        error.message if isinstance(error, FaenaError) else f"It cannot be read: {error.strerror or error}."
    )
