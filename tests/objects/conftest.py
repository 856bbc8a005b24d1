"""Buckets of the session's S3 server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.testing import s3
from faena.testing.clock import ManualClock
from faena.workspaces.objects_place import Address, parsed
from tests.objects.bucket_parts import PATIENCE, WORKSPACE, wall


@pytest.fixture
def way(s3_server: s3.S3Server) -> Iterator[s3.Way]:
    with s3.way_to(s3_server) as made:
        yield made


@pytest.fixture
def place(s3_server: s3.S3Server, signed_in: None) -> Address:
    return parsed(s3_server.address)


@pytest.fixture
def hands() -> ManualClock:
    return ManualClock(
        at=int(time.time() * 1e6)
    )  # a kernel changes a file's time of access that lies in the past


@pytest.fixture
def bucket_files(tmp_path: Path, place: Address, hands: ManualClock) -> BucketObjects:
    return BucketObjects(
        tmp_path / "objects",
        Bucket(place, WORKSPACE, patience=PATIENCE),
        1 << 30,
        hands.monotonic,
        wall=wall(hands),
    )
