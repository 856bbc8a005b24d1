"""Files of a run that goes on, as they are now: where its script writes them, on this host.

A copy is whole: who writes a file while it is read has it read again, and is told of where that does not end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from faena.attempts.folder import SPECIAL, AttemptFolder
from faena.attempts.output_names import remains
from faena.attempts.records import PROCESS_ORDER, UnreadableRecord
from faena.attempts.whole_copies import again_while_written, is_settled
from faena.kernel.errors import UserErrorException
from faena.objects.contract import FileChanged, ObjectFiles
from faena.tracking.model import StoredFile


class LiveFile(Struct, frozen=True):
    path: Path
    size: int


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


def stored(objects: ObjectFiles, wanted: dict[str, LiveFile]) -> dict[str, StoredFile]:
    """Copies in the object store. Blocks.

    Raises as `whole_copies.copied`, and UserErrorException for what cannot be read.
    """
    done: dict[str, StoredFile] = {}

    def take_rest() -> dict[str, StoredFile] | None:
        settled = [name for name in wanted if name not in done and is_settled(wanted[name].path)]
        for name, found in zip(
            settled, objects.put_files([wanted[each].path for each in settled]), strict=True
        ):
            if isinstance(found, FileChanged):
                continue
            if isinstance(found, UserErrorException):
                raise found
            done[name] = StoredFile(*found)
        return done if len(done) == len(wanted) else None

    return again_while_written(take_rest, ", ".join(map(ascii, sorted(wanted)[:5])))


def _files_of(folder: AttemptFolder) -> dict[str, Path]:
    if folder.code.is_dir():
        return remains(folder.code, SPECIAL)[0]
    try:
        outputs = str(folder.order(PROCESS_ORDER)["outputs"])
    except UnreadableRecord:
        return {}
    place = Path(outputs)
    return remains(place.parent, (place.name,))[0] if outputs else {}
