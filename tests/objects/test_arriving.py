"""Large objects that are read while they come from a bucket."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena.kernel.errors import NotFound, ObjectDamaged, StoreUnavailable
from faena.objects.bucket import arriving
from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.testing import s3
from faena.testing.waiting import until
from faena.workspaces.objects_place import Address
from tests.objects.bucket_parts import WORKSPACE, read

SIZE = 3 << 20
HALF = SIZE // 2


@pytest.fixture
def content() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture
def digest(bucket_files: BucketObjects, content: bytes) -> str:
    return bucket_files.put([content])[0]


@pytest.fixture
def far(place: Address, way: s3.Way, tmp_path: Path) -> BucketObjects:
    """Of another folder, by a way that can be spoilt."""
    place.options["endpoint"] = way.endpoint
    return BucketObjects(tmp_path / "far", Bucket(place, WORKSPACE, patience=0.1), 1 << 30)


class Gate:
    """Lets half of a large body pass, and the rest when it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def __call__(self, body: bytes) -> Iterator[bytes]:
        yield body[:HALF]
        if len(body) > HALF:
            assert self.opened.wait(60)
            yield body[HALF:]


def fetched(way: s3.Way, digest: str) -> int:
    return sum(verb == "GET" and path.endswith(digest) for verb, path in way.asked)


def test_the_first_bytes_are_read_while_the_others_come(
    far: BucketObjects, way: s3.Way, digest: str, content: bytes
) -> None:
    way.send = gate = Gate()
    with far.open(digest) as file:
        first = file.read(1 << 20)
        assert first == content[: 1 << 20]
        assert far.size(digest) == SIZE  # who asks meanwhile does not wait
        assert not far.path(digest).exists()
        gate.opened.set()
        assert first + file.read() == content
    until(far.path(digest).is_file, "it has its name")
    assert fetched(way, digest) == 1


def test_it_comes_once_however_many_read_it(
    far: BucketObjects, way: s3.Way, digest: str, content: bytes
) -> None:
    way.send = gate = Gate()
    with ThreadPoolExecutor(6) as pool:
        reading = [pool.submit(read, far, digest) for _ in range(5)]
        seeking = pool.submit(lambda: far.open_to_seek(digest).close())
        until(lambda: fetched(way, digest), "it is asked for")
        gate.opened.set()
        assert all(each.result() == content for each in reading)
        seeking.result()
    assert fetched(way, digest) == 1


def test_the_last_bytes_of_what_is_not_the_digests_are_not_handed_out(
    far: BucketObjects, way: s3.Way, digest: str
) -> None:
    way.change = lambda body: body[:-1] + bytes([body[-1] ^ 1]) if len(body) == SIZE else body
    with far.open(digest) as file, pytest.raises(ObjectDamaged, match=r"as s3://faena"):
        for at in range(0, SIZE, 1 << 19):
            assert len(file.read(1 << 19)) == 1 << 19
            assert at + (1 << 19) < SIZE
    assert fetched(way, digest) == 2  # asked again once
    assert not far.path(digest).exists()


def test_what_came_with_other_bytes_first_is_not_mixed_with_what_comes_then(
    far: BucketObjects, way: s3.Way, digest: str, content: bytes
) -> None:
    left = [b"\0" * SIZE]
    way.change = lambda body: left.pop() if left and len(body) == SIZE else body
    way.send = gate = Gate()
    with far.open(digest) as early:
        assert early.read(1 << 20) == bytes(1 << 20)
        gate.opened.set()
        with pytest.raises(ObjectDamaged):
            early.read()
    assert read(far, digest) == content


def test_one_that_breaks_off_goes_on_where_it_was(
    far: BucketObjects, way: s3.Way, digest: str, content: bytes
) -> None:
    way.send = lambda body: (body[:HALF],) if len(body) == SIZE else (body,)
    assert read(far, digest) == content


def test_one_that_breaks_off_always_is_told_and_asked_for_anew(
    far: BucketObjects, way: s3.Way, digest: str, content: bytes
) -> None:
    way.send = lambda body: (body[: len(body) // 2],)
    with far.open(digest) as file, pytest.raises(StoreUnavailable, match="does not do it"):
        file.read()
    way.send = lambda body: (body,)
    assert read(far, digest) == content


def test_who_waits_for_long_is_told(
    far: BucketObjects, way: s3.Way, digest: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.send = gate = Gate()
    with far.open(digest) as file, pytest.raises(StoreUnavailable, match="nothing, of an object for"):
        monkeypatch.setattr(arriving, "_SILENT_S", 0.05)
        file.read()
    gate.opened.set()
    assert read(far, digest) == content


class Trickle:
    """A byte of a large body at a time, until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def __call__(self, body: bytes) -> Iterator[bytes]:
        at = 0
        while len(body) > HALF and at < len(body) and not self.opened.wait(0.01):
            yield body[at : at + 1]
            at += 1
        yield body[at:]


def test_a_bucket_that_sends_a_byte_now_and_then_is_told_like_a_silent_one(
    far: BucketObjects, way: s3.Way, digest: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.send = trickle = Trickle()
    with far.open(digest) as file, pytest.raises(StoreUnavailable, match="next to nothing, of an object for"):
        monkeypatch.setattr(arriving, "_SILENT_S", 0.2)
        file.read()
    trickle.opened.set()
    assert read(far, digest) == content  # it went on coming meanwhile


def test_no_request_takes_longer_than_it_may_however_steadily_something_comes(
    place: Address, way: s3.Way, tmp_path: Path, digest: str, content: bytes
) -> None:
    place.options["endpoint"] = way.endpoint
    far = BucketObjects(tmp_path / "far", Bucket(place, WORKSPACE, patience=0.01, request_s=0.5), 1 << 30)
    way.send = trickle = Trickle()
    began = time.monotonic()
    try:
        with pytest.raises(StoreUnavailable, match=rf"asked for {digest}, does not do it"):
            far.open_to_seek(digest)
    finally:
        trickle.opened.set()
    assert time.monotonic() - began < 60
    assert not far.path(digest).exists()
    assert read(far, digest) == content


def test_what_is_not_there_is_told_at_once(far: BucketObjects) -> None:
    with pytest.raises(NotFound):
        far.open("0" * 64)
