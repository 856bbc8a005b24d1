"""What tests of objects in buckets share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.objects.contract import ObjectFiles
from faena.testing.clock import ManualClock
from faena.workspaces.objects_place import Address

WORKSPACE = "ws-tests"
PATIENCE = 0.01
"""A put waits 0.6 s for a store that does not answer."""


def another_folder(place: Address, folder: Path) -> BucketObjects:
    """As a server on another machine has it."""
    return BucketObjects(folder, Bucket(place, WORKSPACE), 1 << 30)


def wall(hands: ManualClock) -> Callable[[], float]:
    """Seconds of its time of day."""
    return lambda: hands.now() / 1e6


def read(files: ObjectFiles, digest: str) -> bytes:
    with files.open(digest) as file:
        return file.read()
