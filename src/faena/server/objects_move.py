"""`python -m faena.server.objects_move FOLDER`: brings a workspace's objects to the bucket of the environment, or back.

Without one in the environment they go from the bucket that has them into the folder. No server of the workspace runs,
or starts, meanwhile. Only when all are there does the workspace say so; what a kill leaves, the same command goes on
with. How far it is stands in lines of JSON on stdout.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import msgspec

from faena.kernel import settings
from faena.kernel.discovery import Rendezvous, try_lock
from faena.kernel.errors import FaenaError, WorkspaceException
from faena.kernel.startup_errors import REFUSED
from faena.objects.bucket import moving
from faena.objects.bucket.moving import Moved, Tell
from faena.objects.bucket.store import Bucket
from faena.people.settings import PREFIX
from faena.workspaces import objects_place
from faena.workspaces.model import WorkspaceFolder, open_folder
from faena.workspaces.needs import COMES_BACK
from faena.workspaces.objects_place import Place

VARIABLE = f"{PREFIX}OBJECTS"
LEAVE_DAMAGED = "--leave-damaged"


def move(folder: WorkspaceFolder, url: str, tell: Tell, *, leave_damaged: bool = False) -> Moved:
    """`url`: of a bucket; empty: into the folder.

    Raises WorkspaceException where a server works on it, where they are there already or in another bucket, and for
    damaged ones unless `leave_damaged`: then all that was brought stays there, and the workspace has them where it had.
    """
    before = objects_place.place(folder.path)
    with ExitStack() as until:
        for name in (Rendezvous(folder.path).election, folder.path / settings.SERVER_LOCK):
            if (lock := try_lock(name)) is None:
                raise WorkspaceException(
                    f"A server works on {folder.path}. Stop it first: `faena server stop` in {folder.path.parent}. "
                    f"{COMES_BACK}"
                )
            until.callback(os.close, lock)
        if url:
            return _to_bucket(folder, before, Place(url), tell, leave_damaged)
        return _to_folder(folder, before, tell, leave_damaged)


def _to_bucket(
    folder: WorkspaceFolder, before: Place | None, wanted: Place, tell: Tell, leave_damaged: bool
) -> Moved:
    if before is not None:
        raise WorkspaceException(
            f"The workspace's objects are in {before.address}. Bring them into its folder first (without URL)."
        )
    bucket = Bucket(wanted.address, folder.id)
    bucket.try_out()
    moved = moving.to_bucket(folder.objects, bucket, tell)
    _check(moved, f"{folder.path}/objects", leave_damaged)
    objects_place.note(folder.path, wanted)
    return moved


def _to_folder(folder: WorkspaceFolder, before: Place | None, tell: Tell, leave_damaged: bool) -> Moved:
    if before is None:
        raise WorkspaceException(
            f"The workspace's objects are in {folder.path} already. Give the URL of a bucket."
        )
    moved = moving.to_folder(Bucket(before.address, folder.id), folder.objects, tell)
    _check(moved, str(before.address), leave_damaged)
    objects_place.note(folder.path, None)
    moving.forget_cache(folder.objects)
    return moved


def _check(moved: Moved, place: str, leave_damaged: bool) -> None:
    if moved.damaged and not leave_damaged:
        shown = ", ".join(digest[:12] for digest in moved.damaged[:3])
        raise WorkspaceException(
            f"{len(moved.damaged)} objects in {place} are damaged ({shown}), and stay there; {moved.objects} others "
            f"are brought. `faena repair` looks for their bytes; then go on, or leave them behind with {LEAVE_DAMAGED}."
        )


def main() -> None:
    """Says how far it is, or why not, with the exit code of a server that could not start."""

    def tell(moved: Moved) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(moved) + b"\n")
        sys.stdout.flush()

    try:
        folder = open_folder(Path(sys.argv[1]))
        url = os.environ.pop(VARIABLE, "")
        tell(move(folder, url, tell, leave_damaged=LEAVE_DAMAGED in sys.argv[2:]))
    except (FaenaError, OSError) as error:
        sys.stderr.write(f"{getattr(error, 'message', error)}\n")
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
