"""Opens the workspace's objects: those in its folder, or in the bucket that it has them in."""

from __future__ import annotations

from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.objects.files import FolderObjects
from faena.workspaces import objects_place
from faena.workspaces.model import WorkspaceFolder


def opened(folder: WorkspaceFolder, *, alone: bool = True) -> FolderObjects:
    """`alone`: no other process has them.

    Raises WorkspaceException where what names the bucket cannot be used; that it answers is not asked.
    """
    if (place := objects_place.place(folder.path)) is None:
        return FolderObjects(folder.objects, alone=alone)
    bucket = Bucket(place.address, folder.id)
    return BucketObjects(folder.objects, bucket, int(place.cache_gb * 10**9), alone=alone)


def choose(folder: WorkspaceFolder, url: str, cache_gb: float) -> None:
    """Have the workspace's objects in the bucket at `url`, once it has been tried.

    Raises WorkspaceException where it cannot be used, is another workspace's, or this one has them elsewhere.
    """
    wanted = objects_place.Place(url, cache_gb)
    bucket = Bucket(wanted.address, folder.id)
    bucket.try_out()
    bucket.claim()
    objects_place.choose(folder.path, wanted)
