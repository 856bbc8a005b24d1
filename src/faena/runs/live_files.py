"""Files of a run that goes on, as they are now: where its script writes them, on this host.

A copy is whole: who writes a file while it is read has it read again, and is told of where that does not end.
"""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from typing import IO, TypeVar

from msgspec import Struct

from faena.attempts.folder import SPECIAL, AttemptFolder
from faena.attempts.output_names import remains
from faena.attempts.records import PROCESS_ORDER, UnreadableRecord
from faena.db import Read
from faena.kernel import disk_space
from faena.kernel.copying import copy
from faena.kernel.errors import Conflict, UserErrorException
from faena.objects.contract import FileChanged, ObjectFiles
from faena.runs import attempt_store, store
from faena.runs.model import AttemptState
from faena.tracking.model import StoredFile

_TICK_NS = 20_000_000
"""Two writes that are closer than this may leave the same time on a file."""
_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds before a file that was written meanwhile is read again."""

T = TypeVar("T")


class LiveFile(Struct, frozen=True):
    path: Path
    size: int


def folders(read: Read, attempts_root: Path, run_id: str) -> list[AttemptFolder]:
    """Of the ranks whose files are not kept yet; none of a run that has ended."""
    run = store.get(read, run_id)
    if run is None or run.status.is_terminal():
        return []
    base = attempts_root / run_id / str(run.attempt)
    ranks = attempt_store.ranks(read, run_id, run.attempt)
    return [AttemptFolder(base / str(each.rank)) for each in ranks if each.state is not AttemptState.CLOSED]


def is_elsewhere(read: Read, attempts_root: Path, run_id: str) -> bool:
    """Whether a script of the run writes on another machine, whose files come when its attempt ends."""
    run = store.get(read, run_id)
    if run is None or run.status.is_terminal():
        return False
    base = attempts_root / run_id / str(run.attempt)
    started = (AttemptState.STARTED, AttemptState.ENDED)
    return any(
        each.state in started and not (base / str(each.rank)).exists()
        for each in attempt_store.ranks(read, run_id, run.attempt)
    )


def look(there: Sequence[AttemptFolder]) -> dict[str, LiveFile]:
    """By name; of a name that several ranks have, the lowest one's. Blocks."""
    found: dict[str, LiveFile] = {}
    for folder in there:
        for name, path in _files_of(folder).items():
            try:
                found.setdefault(name, LiveFile(path, path.stat().st_size))
            except OSError:  # it went meanwhile
                continue
    return found


def copied(name: str, file: LiveFile, beside: Path) -> IO[bytes]:
    """A copy without a name, on the disk of `beside`; of a log what is there by now. Blocks.

    Raises FileNotFoundError, Conflict where the file is written again and again, and StorageFull.
    """
    grows = name.startswith("logs/")
    try:
        return _again_while_written(lambda: _copy_once(file.path, beside, grows), ascii(name))
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise UserErrorException(f"{name!a} cannot be read: {error.strerror}.") from error


def stored(objects: ObjectFiles, wanted: dict[str, LiveFile]) -> dict[str, StoredFile]:
    """Copies in the object store. Blocks. Raises as `copied`, and UserErrorException for what cannot be read."""
    done: dict[str, StoredFile] = {}

    def take_rest() -> dict[str, StoredFile] | None:
        settled = [name for name in wanted if name not in done and _is_settled(wanted[name].path)]
        for name, found in zip(
            settled, objects.put_files([wanted[each].path for each in settled]), strict=True
        ):
            if isinstance(found, FileChanged):
                continue
            if isinstance(found, UserErrorException):
                raise found
            done[name] = StoredFile(*found)
        return done if len(done) == len(wanted) else None

    return _again_while_written(take_rest, ", ".join(map(ascii, sorted(wanted)[:5])))


def _files_of(folder: AttemptFolder) -> dict[str, Path]:
    if folder.code.is_dir():
        return remains(folder.code, SPECIAL)[0]
    try:
        outputs = str(folder.order(PROCESS_ORDER)["outputs"])
    except UnreadableRecord:
        return {}
    place = Path(outputs)
    return remains(place.parent, (place.name,))[0] if outputs else {}


def _copy_once(path: Path, beside: Path, grows: bool) -> IO[bytes] | None:
    if not (grows or _is_settled(path)):
        return None
    made = tempfile.TemporaryFile(dir=beside)  # noqa: SIM115  it is the answer
    try:
        with FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as source:
            before = os.fstat(source.fileno())
            copy(source, made)
            after = os.fstat(source.fileno())
        if grows and after.st_size >= before.st_size:
            made.truncate(before.st_size)
        if grows or (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            made.seek(0)
            return made
    except OSError as error:
        made.close()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_space.full(beside) from error
        raise
    made.close()
    return None


def _is_settled(path: Path) -> bool:
    """Whether a write from now on leaves another time on the file."""
    try:
        return time.time_ns() - path.stat().st_mtime_ns > _TICK_NS or path.stat().st_mtime_ns > time.time_ns()
    except OSError:
        return True  # who reads it learns why


def _again_while_written(take: Callable[[], T | None], name: str) -> T:
    for pause in (*_PAUSES, None):
        if (found := take()) is not None:
            return found
        if pause is not None:
            time.sleep(pause)
    raise Conflict(
        f"{name} is written again and again while it is read, by the run's script. Ask again, or when the run has "
        "ended."
    )
