"""A store that answers 503, refuses, or gives other bytes than it got."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from faena.kernel.errors import ObjectDamaged, StoreUnavailable
from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.testing import s3
from faena.workspaces.objects_place import Address
from tests.objects.bucket_parts import PATIENCE, WORKSPACE, read


@pytest.fixture
def files(bucket_files: BucketObjects) -> BucketObjects:
    return bucket_files


@pytest.fixture
def by_way(place: Address, way: s3.Way, tmp_path: Path) -> BucketObjects:
    place.options["endpoint"] = way.endpoint
    return BucketObjects(tmp_path / "by-way", Bucket(place, WORKSPACE, patience=PATIENCE), 1 << 30)


def test_while_it_does_not_answer_what_is_near_is_read(
    by_way: BucketObjects,
    files: BucketObjects,
    way: s3.Way,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    near, _ = by_way.put([b"near"])
    far, _ = files.put([b"far"])
    way.spoil = lambda verb, path: 503
    (tmp_path / "kept").write_bytes(b"new")
    with caplog.at_level(logging.WARNING):
        for put in (
            lambda: by_way.put([b"new"]),
            lambda: by_way.put_all([b"new", b"newer"]),
            lambda: by_way.put_file(tmp_path / "kept", take=True),
        ):
            with pytest.raises(StoreUnavailable, match="503"):
                put()
    assert [record.message for record in caplog.records if "is waited for" in record.message]
    assert read(by_way, near) == b"near"
    with pytest.raises(StoreUnavailable):
        by_way.open(far)
    way.spoil = lambda verb, path: 0
    assert sorted(by_way.list()) == sorted([near, far])  # none of those that were not acknowledged
    assert read(by_way, far) == b"far"
    digest, _ = by_way.put([b"new"])
    assert read(files, digest) == b"new"


def test_a_put_waits_until_it_answers(by_way: BucketObjects, files: BucketObjects, way: s3.Way) -> None:
    left = iter(range(5))
    way.spoil = lambda verb, path: 503 if next(left, None) is not None else 0
    digest, _ = by_way.put([b"x"])
    assert read(files, digest) == b"x"


def test_what_it_gives_with_other_bytes_is_not_handed_out(
    by_way: BucketObjects,
    files: BucketObjects,
    way: s3.Way,
) -> None:
    digest, _ = files.put([b"true bytes"])
    way.change = lambda body: body.replace(b"true", b"fals")
    with pytest.raises(ObjectDamaged, match=r"as s3://faena"):
        by_way.open(digest)
    assert by_way.size_to_keep(digest) is None  # so that whoever has them sends them
    with pytest.raises(ObjectDamaged):
        by_way.check(digest)
    assert not by_way.path(digest).exists()
    way.change = lambda body: body
    by_way.put([b"true bytes"])
    assert by_way.check(digest) == 10
    assert read(by_way, digest) == b"true bytes"


def test_one_answer_with_other_bytes_is_asked_again(
    by_way: BucketObjects,
    files: BucketObjects,
    way: s3.Way,
) -> None:
    digest, _ = files.put([b"true bytes"])
    left = [b"fals"]
    way.change = lambda body: body.replace(b"true", left.pop()) if left and b"true" in body else body
    assert read(by_way, digest) == b"true bytes"


def test_a_refusal_is_told_at_once(by_way: BucketObjects, way: s3.Way) -> None:
    by_way.put([b"x"])
    way.spoil = lambda verb, path: 403
    asked = len(way.asked)
    with pytest.raises(StoreUnavailable, match="403"):
        by_way.put([b"y"])
    assert len(way.asked) == asked + 1


def test_a_list_that_fails_on_its_way_is_whole(files: BucketObjects, place: Address, way: s3.Way) -> None:
    put = files.put_all([bytes([number]) for number in range(30)])
    place.options["endpoint"] = way.endpoint
    bucket = Bucket(place, WORKSPACE, patience=0.1)
    left = iter(range(4))
    way.spoil = lambda verb, path: 503 if "list-type" in path and next(left, None) is not None else 0
    assert sorted(bucket.list()) == sorted(put)
    assert next(left, None) is None
    way.spoil = lambda verb, path: 503
    with pytest.raises(StoreUnavailable, match="what it has"):
        list(Bucket(place, WORKSPACE, patience=PATIENCE).list())
