"""Whose a workspace's id is: one that was moved keeps it, a copy gets its own when it is opened.

The record says where the workspace was when it was last opened. Where it lies elsewhere now, and the workspace of that
id is still in its old place, this one is a copy; where it is not, this one was moved. A restored workspace has a record
of its own place: it keeps the id that it was restored with.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec.structs import replace

from faena.kernel import ids
from faena.kernel.durable import write_atomically
from faena.kernel.errors import WorkspaceException
from faena.workspaces import listing
from faena.workspaces.model import ASLEEP, BROWSERS, NODES, RECORD, WorkspaceFolder, open_folder, record_of

_TOKEN = "token"


def claim(opened: WorkspaceFolder) -> WorkspaceFolder:
    """The workspace as it is from now on, known in its place. Silent where its record cannot be written."""
    if opened.place == str(opened.path):
        return opened
    with suppress(OSError), _alone(opened.path):
        found = open_folder(opened.path)
        if found.place == str(found.path):  # somebody else was faster
            return found
        original = _original(found)
        mine = replace(found, place=str(found.path), moved_from=found.place)
        if original is not None:
            _put_to_sleep(found.path, original)
            mine = replace(mine, id=ids.new_id("ws"), moved_from="")
        write_atomically(found.path / RECORD, record_of(mine))
        return mine
    return opened


def rename(opened: WorkspaceFolder, name: str) -> WorkspaceFolder:
    """Give it another name. Raises UserErrorException for what can be none, and WorkspaceException."""
    ids.check_workspace_name(name)
    renamed = _changed(opened, "renamed", name=name)
    listing.learn(renamed)
    return renamed


def set_as_of(opened: WorkspaceFolder, as_of: str) -> WorkspaceFolder:
    """The date of environments that name none, checked before; empty: none. Raises WorkspaceException."""
    return _changed(opened, "given a date", as_of=as_of)


def _changed(opened: WorkspaceFolder, how: str, **values: str) -> WorkspaceFolder:
    try:
        with _alone(opened.path):
            changed = replace(open_folder(opened.path), **values)
            write_atomically(opened.path / RECORD, record_of(changed))
    except OSError as error:
        raise WorkspaceException(
            f"The workspace in {opened.path.parent} cannot be {how}: {error.strerror or error}."
        ) from error
    return changed


def _original(found: WorkspaceFolder) -> WorkspaceFolder | None:
    """The workspace that this one is a copy of; None where it is none."""
    places = [Path(found.place)] if found.place else [each.path for each in listing.list_folders()]
    if found.path in places:  # an older Faena made it, and wrote down no place
        return None
    for place in places:
        with suppress(OSError, WorkspaceException):
            other = open_folder(place)
            # the same file: another way to the same folder, as by a bind mount
            if other.id == found.id and not (place / RECORD).samefile(found.path / RECORD):
                return other
    return None


def _put_to_sleep(path: Path, original: WorkspaceFolder) -> None:
    """What had not ended goes on in the original, and is not begun a second time here; keys are not shared."""
    mark = {"at": time.time_ns() // 1000, "copied_from": str(original.path.parent)}
    write_atomically(path / ASLEEP, json.dumps(mark).encode())
    for name in (_TOKEN, BROWSERS):
        (path / name).unlink(missing_ok=True)
    shutil.rmtree(path / NODES, ignore_errors=True)  # machines are the original's, and trust its certificate


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Of all who open the folder at once, on file systems that have locks."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
