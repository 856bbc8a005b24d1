"""Files of an attempt on their way to a server elsewhere: their bytes become objects, which are named then."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from faena.attempts.key import AttemptKey
from faena.kernel import uploads
from faena.kernel.errors import NotFound
from faena.kernel.transport import Transport, segment

_NAMING = 3600.0
"""Seconds that the server may take to verify what it is told of."""

_MOST_HELD = 256
"""Files of a checkpoint that are open at once."""


def ingest(transport: Transport, key: AttemptKey, files: Mapping[str, Path], *, some: bool) -> dict[str, str]:
    """Keep files under the names given; with `some` why others are not, by name. Else it raises UserErrorException."""
    brought, unsent = uploads.bring_some(transport, files.values())
    if unsent and not some:
        raise next(iter(unsent.values()))
    try:
        refused = _name(transport, key, files, brought, some)
    except NotFound:  # they were collected meanwhile, as by a server that was restored
        again, _ = uploads.bring_some(transport, [path for path in files.values() if str(path) in brought])
        brought |= again
        refused = _name(transport, key, files, brought, some)
    told = {str(each["name"]): str(each["message"]) for each in refused}
    return told | {name: unsent[str(path)].message for name, path in files.items() if str(path) in unsent}


def _name(
    transport: Transport, key: AttemptKey, files: Mapping[str, Path], digests: Mapping[str, str], some: bool
) -> list[dict[str, Any]]:
    named = [
        {"name": name, "digest": digests[str(path)]} for name, path in files.items() if str(path) in digests
    ]
    if not named:
        return []
    asked = {"files": named, "some": some}
    return transport.json("POST", f"{key.path}/objects", asked, timeout=_NAMING) or []


def take_checkpoint(
    transport: Transport, key: AttemptKey, files: list[dict[str, Any]]
) -> dict[str, dict[str, str]]:
    """As `ServerApi.take_checkpoint`: new files are sent, and count where they are still as they were when whole.

    They are held open meanwhile: what the script puts in the place of one is another file, and comes the next time.
    """
    new = [file for file in files if "path" in file]
    refused: dict[str, str] = {}
    asked = []
    with ExitStack() as held:
        places = {file["name"]: _held(file["path"], held) for file in new[:_MOST_HELD]}
        places |= {file["name"]: file["path"] for file in new[_MOST_HELD:]}
        brought, unsent = uploads.bring_some(transport, places.values())
        for file in files:
            name, digest = file["name"], file.get("digest", "")
            if (place := places.get(name)) is not None:
                if (why := unsent.get(place)) is not None:
                    refused[name] = why.message.replace(place, file["path"])
                    continue
                if not _is_as_it_was(file, place):
                    refused[name] = "It was written meanwhile."
                    continue
                digest = brought[place]
            asked.append({"name": name, "size": file["size"], "modified": file["modified"], "digest": digest})
    answer: dict[str, dict[str, str]] = transport.json(
        "PUT", f"{key.path}/checkpoint", {"files": asked, "refused": refused}, timeout=_NAMING
    )
    return answer


def _held(path: str, held: ExitStack) -> str:
    """Where the file can be read as long as it is `held`, also when its name has become another one's."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # whoever reads it says why
        return path
    held.callback(os.close, descriptor)
    place = f"/proc/self/fd/{descriptor}"
    return place if os.path.exists(place) else path  # noqa: PTH110  of each file


def store(transport: Transport, datastore: str, path: str, file: Path, *, overwrite: bool) -> bool:
    """As `ServerApi.store`."""
    (digest,) = uploads.bring(transport, [file]).values()
    asked = {"path": path, "digest": digest, "overwrite": overwrite}
    taken = transport.json("PUT", f"/datastores/{segment(datastore)}/content", asked, timeout=_NAMING)
    return bool(taken["written"] or taken.get("same"))


def _is_as_it_was(file: Mapping[str, Any], place: str) -> bool:
    """Whether nobody has written the file since it was seen whole; that its name is gone from it changes it, too."""
    try:
        status = os.stat(place)  # noqa: PTH116  as above
    except OSError:
        return False
    if (status.st_ino, status.st_size, status.st_mtime_ns) != (file["inode"], file["size"], file["modified"]):
        return False
    return status.st_ctime_ns == file["changed"] or not status.st_nlink
