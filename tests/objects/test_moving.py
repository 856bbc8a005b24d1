"""Objects that go from a folder to a bucket, and back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faena.kernel.errors import StoreUnavailable
from faena.objects.bucket import moving
from faena.objects.bucket.store import Bucket
from faena.objects.files import FolderObjects
from faena.testing import s3
from faena.workspaces.objects_place import Address
from tests.objects.bucket_parts import PATIENCE, WORKSPACE, another_folder, read
from tests.objects.test_damage import HARMS, lost_bits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "folder"


@pytest.fixture
def put(folder: Path) -> dict[str, bytes]:
    contents = [b"", b"one", b"two", os.urandom(3_000_000)]
    files = FolderObjects(folder)
    return {files.put([content])[0]: content for content in contents}


def test_all_of_them_go_there_and_back(
    folder: Path, put: dict[str, bytes], place: Address, tmp_path: Path
) -> None:
    bucket = Bucket(place, WORKSPACE)
    told: list[int] = []
    moved = moving.to_bucket(folder, bucket, lambda moved: told.append(moved.objects))
    assert (moved.objects, moved.size, moved.brought) == (4, sum(map(len, put.values())), 4)
    assert told[-1] == 4
    there = another_folder(place, tmp_path / "there")
    assert {digest: read(there, digest) for digest in there.list()} == put
    assert moving.to_bucket(folder, bucket).brought == 0

    lost_bits(there.path(next(digest for digest in put if put[digest] == b"two")))
    there.path(next(digest for digest in put if put[digest] == b"one")).unlink()
    back = moving.to_folder(bucket, tmp_path / "there")
    moving.forget_cache(tmp_path / "there")
    assert (back.objects, back.damaged) == (4, ())
    plain = FolderObjects(tmp_path / "there")
    assert set(plain.list()) == set(put)
    assert read(plain, next(digest for digest in put if put[digest] == b"one")) == b"one"
    beside = {path.name for path in (tmp_path / "there").iterdir() if len(path.name) > 2}
    assert beside == {"incoming"}


def test_what_was_broken_off_goes_on(
    folder: Path, put: dict[str, bytes], place: Address, way: s3.Way
) -> None:
    place.options["endpoint"] = way.endpoint
    sent = iter(range(3))  # the claim, and two of them
    way.spoil = lambda verb, path: 503 if verb != "GET" and verb != "HEAD" and next(sent, None) is None else 0
    with pytest.raises(StoreUnavailable, match="503"):
        moving.to_bucket(folder, Bucket(place, WORKSPACE, patience=PATIENCE))
    way.spoil = lambda verb, path: 0
    moved = moving.to_bucket(folder, Bucket(place, WORKSPACE))
    assert moved.objects == 4
    assert 1 <= moved.brought < 4


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_damaged_is_not_brought(
    folder: Path, put: dict[str, bytes], place: Address, harm: object
) -> None:
    spoilt = next(digest for digest in put if put[digest] == b"one")
    harm(folder / spoilt[:2] / spoilt)  # type: ignore[operator]  # a function
    moved = moving.to_bucket(folder, Bucket(place, WORKSPACE))
    assert spoilt not in set(Bucket(place, WORKSPACE).list())
    assert moved.objects == 3


@pytest.mark.long
def test_what_the_bucket_gives_with_other_bytes_is_not_kept(
    folder: Path, put: dict[str, bytes], place: Address, way: s3.Way, tmp_path: Path
) -> None:
    moving.to_bucket(folder, Bucket(place, WORKSPACE))
    place.options["endpoint"] = way.endpoint
    way.change = lambda body: b"eno" if body == b"one" else body
    moved = moving.to_folder(Bucket(place, WORKSPACE), tmp_path / "there")
    spoilt = next(digest for digest in put if put[digest] == b"one")
    assert moved.damaged == (spoilt,)
    assert set(FolderObjects(tmp_path / "there").list()) == set(put) - {spoilt}
