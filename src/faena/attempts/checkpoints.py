"""Takes a script's checkpoints while it runs, on a thread that starts once there is a folder of them.

A file is taken when it is whole: it was renamed into place, or has lain still for two seconds and nobody has it open
for writing. Where the script ended well, all are.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from faena.attempts.api import ServerApi
from faena.attempts.checkpoint_files import (
    MOST_FILES,
    STILL_S,
    Found,
    is_open_for_writing,
    listed,
)
from faena.attempts.folder import AttemptFolder
from faena.attempts.key import AttemptKey
from faena.attempts.moved_files import MovedFiles
from faena.attempts.outputs import insist
from faena.kernel.errors import FaenaError

FOLDER = "outputs/checkpoints"
"""Unless the order names another one."""
WATCHED = "checkpoints.watched"
"""A file beside the code that is there once the folder is watched: see `_faena_start.py`."""
_WHILE_WRITTEN = 0.5
"""Seconds between looks while a file lies there that may not be whole."""
_AT_LEAST = 0.1
"""Between looks, whatever happens in the folder."""
_AT_MOST = 30.0
_UNTOLD = 1.0
"""Between looks where the kernel does not say that something happened."""
_SHARE = 10
"""Times what a look took, or a taking, that passes before the next one."""
_LONGEST_PAUSE = 60.0
_AFTER_FAILURE = 2.0
_MOST_IN_VAIN = 50
"""Times that something happens beside the folder before it is looked for at its times alone."""


class _Taken(NamedTuple):
    size: int
    modified: int
    digest: str


class Checkpoints:
    """Of one attempt. `begun`: files that it started from, with `path`, `size`, `digest` and `modified`."""

    def __init__(
        self,
        api: ServerApi,
        key: AttemptKey,
        folder: AttemptFolder,
        name: str = FOLDER,
        begun: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self._api = api
        self._key = key
        self._folder = folder
        self._name = name
        self._taken = {
            file["path"]: _Taken(file["size"], file["modified"], file["digest"])
            for file in begun
            if file.get("modified") is not None
        }
        self._still: dict[str, tuple[Found, float]] = {}
        """How each file was when it was seen to be so first, and since when."""
        self._moved: MovedFiles | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._trouble = ""
        self._looked_in_vain = 0

    @property
    def place(self) -> str:
        return f"{self._folder.code}/{self._name}"

    def begin(self) -> None:
        """Before the script starts: a file that is renamed right after its folder was made is whole, too."""
        self._moved = MovedFiles()
        self._moved.watch(self.place.rpartition("/")[0])
        self.look()

    @property
    def sign(self) -> int:
        """A descriptor that can be read when there may be something to look at; below 0: none."""
        if self._thread is not None or self._moved is None or self._looked_in_vain > _MOST_IN_VAIN:
            return -1
        return self._moved.descriptor

    def look(self) -> None:
        """Begin to take checkpoints if there may be some by now; costs next to nothing."""
        if self._thread is not None or self._moved is None:
            return
        if self._moved.read():
            self._looked_in_vain += 1
        if os.path.isdir(self.place):  # noqa: PTH112  looked at five times a second
            self._watch([self.place])
            with contextlib.suppress(OSError):
                (self._folder.path / WATCHED).touch()
            self._thread = threading.Thread(
                target=self._take_forever, args=(self._moved,), name="checkpoints", daemon=True
            )
            self._thread.start()

    def finish(self, *, ended_well: bool, whole_until: int | None = None) -> None:
        """Take what is whole now that nobody writes any more. Raises as ServerApi does.

        `whole_until`: files that were written before that time (ns) count as whole, too: to whoever has not seen how
        they came.
        """
        self._stop()
        if self._moved is not None:
            self._moved.read()
        if not self._taken and not os.path.isdir(self.place):  # noqa: PTH112  of each run
            return

        def is_whole(name: str, found: Found) -> bool:
            if ended_well or self._was_moved(found):
                return True
            if whole_until is not None:
                return max(found.modified, found.changed) < whole_until
            return self._has_lain_still(name, found)

        insist(lambda: self._take(is_whole, ended=ended_well))

    def close(self) -> None:
        self._stop()
        if self._moved is not None:
            self._moved.close()

    def _stop(self) -> None:
        if self._thread is not None and self._moved is not None:
            self._stopping = True
            self._moved.wake()
            self._thread.join()
            self._thread = None

    def know(self, taken: Iterable[Mapping[str, Any]]) -> None:
        """What was taken of the attempt before, by another process."""
        self._taken |= {
            file["name"]: _Taken(file["size"], file["modified"], file["digest"]) for file in taken
        }

    def _watch(self, folders: Iterable[str]) -> None:
        if self._moved is not None:
            for folder in folders:
                self._moved.watch(folder)

    def _take_forever(self, moved: MovedFiles) -> None:
        happened = True
        while not self._stopping:
            began, pending = time.monotonic(), False
            pause = 0.0
            if happened:
                try:
                    pending = self._take(self._is_whole)
                except FaenaError as error:
                    self._tell(f"{self._key.path}: checkpoints are not taken: {error}")
                    pending, pause = True, _AFTER_FAILURE
            took = time.monotonic() - began
            self._pause(min(max(_AT_LEAST, pause, _SHARE * took), _LONGEST_PAUSE))
            usual = _AT_MOST if moved.are_told else _UNTOLD
            happened = moved.wait(_WHILE_WRITTEN if pending else usual) or pending or not moved.are_told

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))

    def _take(self, is_whole: Callable[[str, Found], bool], *, ended: bool = False) -> bool:
        """Take what is new and whole; whether something lies there that is not. Raises as ServerApi does."""
        there = listed(self.place, str(self._folder.code))
        self._watch(there.folders)
        if there.too_many:
            self._tell_of_many()
            return False
        self._still = {name: since for name, since in self._still.items() if name in there.files}
        kept: dict[str, Found | None] = {}
        pending = fresh = False
        for name, found in there.files.items():
            if self._is_taken(name, found):
                kept[name] = None
            elif is_whole(name, found):
                kept[name] = found
                fresh = True
            else:
                pending = True
                if name in self._taken:
                    kept[name] = None  # the one before, until this one is whole
        if pending:
            # what is gone may be about to be written anew
            kept |= dict.fromkeys(self._taken.keys() - kept.keys())
        if fresh or (ended and kept.keys() != self._taken.keys()):
            pending = self._send(kept) or pending
        return pending

    def _send(self, files: Mapping[str, Found | None]) -> bool:
        """Whether some were refused."""
        asked = []
        for name, found in files.items():
            if found is None:
                taken = self._taken[name]
                asked.append({"name": name, **taken._asdict()})
            else:
                asked.append({"name": name, **found._asdict()})
        answer = self._api.take_checkpoint(self._key, asked)
        refused = answer["refused"]
        now: dict[str, _Taken] = {}
        for name, found in files.items():
            digest = answer["digests"].get(name)
            if found is None or digest is None:
                if name in self._taken:
                    now[name] = self._taken[name]
            else:
                now[name] = _Taken(found.size, found.modified, digest)
        self._taken = now
        return bool(refused)

    def _is_taken(self, name: str, found: Found) -> bool:
        taken = self._taken.get(name)
        return taken is not None and (taken.size, taken.modified) == (found.size, found.modified)

    def _is_whole(self, name: str, found: Found) -> bool:
        if not (self._has_lain_still(name, found) or self._was_moved(found)):
            return False
        if not is_open_for_writing(found.path):
            return True
        self._still[name] = found, time.monotonic()
        return False

    def _was_moved(self, found: Found) -> bool:
        return self._moved is not None and found.stamp in self._moved

    def _has_lain_still(self, name: str, found: Found) -> bool:
        before = self._still.get(name)
        if before is None or before[0] != found:
            self._still[name] = found, time.monotonic()
            return False
        return time.monotonic() - before[1] >= STILL_S

    def _tell_of_many(self) -> None:
        told = f"There are more than {MOST_FILES:,} files in {self._name}: no checkpoint is taken of so many."
        if told != self._trouble:
            self._tell(told)
            self._api.note(self._key, "checkpoint_not_taken", told)

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            print(trouble, flush=True)
            self._trouble = trouble
