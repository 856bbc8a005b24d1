"""The doctor and a workspace whose objects are in a bucket."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from faena.db import Database
from faena.health.finding import State
from faena.health.subject import Subject
from faena.objects import store
from faena.objects.bucket.examining import Found, Total, examine
from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.testing import s3
from faena.workspaces.objects_place import Place, choose, parsed
from tests.health.ground import findings, unwell

pytestmark = pytest.mark.long


@pytest.fixture
def files(subject: Subject, s3_server: s3.S3Server, signed_in: None) -> Iterator[BucketObjects]:
    assert subject.folder is not None
    address = s3_server.address
    choose(subject.folder, Place(address))
    yield BucketObjects(subject.folder / "objects", Bucket(parsed(address), "ws"), 1 << 30)


def refer(subject: Subject, sizes: dict[str, int]) -> None:
    assert subject.database is not None
    database = Database(subject.database)
    database.submit_write(lambda write: store.touch(write, sizes, 1)).result()
    database.close()


def test_what_is_in_the_bucket_is_not_missing(subject: Subject, files: BucketObjects) -> None:
    sizes = files.put_all([b"near", b"far", b""])
    refer(subject, sizes)
    files.path(hashlib.sha256(b"far").hexdigest()).unlink()
    files.put([b"extra"])
    found = findings(subject, "Objects")
    assert {finding.state for finding in found.values()} == {State.OK}
    assert "none of 3 in s3://" in found["missing objects"].found
    assert "1 more there (5 bytes), which the next collection removes" in found["missing objects"].found
    assert "a sample read again: 3 objects" in found["bucket contents"].found
    near = files.path(hashlib.sha256(b"near").hexdigest())
    near.chmod(0o600)
    near.write_bytes(b"lost")
    assert "those in the bucket are fetched instead" in findings(subject, "Objects")["object contents"].found


def test_what_is_missing_or_damaged_there_is_named(subject: Subject, files: BucketObjects) -> None:
    sizes = files.put_all([b"lost", b"spoilt", b"short", b"sound"])
    refer(subject, sizes)
    lost, spoilt, short = (hashlib.sha256(each).hexdigest() for each in (b"lost", b"spoilt", b"short"))
    files._bucket.delete(lost)
    files._bucket.put(spoilt, b"sp0ilt")
    files._bucket.put(short, b"sh")
    found = findings(subject, "Objects")
    assert "1 of 4 that rows refer to (objects) are not in s3://" in found["missing objects"].found
    assert lost[:12] in found["missing objects"].found
    assert "2 objects in s3://" in found["bucket contents"].found
    assert spoilt[:12] in found["bucket contents"].found
    assert unwell(replace(subject, deep=True), "Objects") == {
        "missing objects": State.PROBLEM,
        "bucket contents": State.PROBLEM,
    }


def test_a_bucket_that_does_not_answer_is_told(
    subject: Subject, files: BucketObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    refer(subject, files.put_all([b"x"]))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    found = findings(subject, "Objects")["missing objects"]
    assert found.state is State.PROBLEM
    assert "does not do it: 403" in found.found


def test_a_sample_is_bounded_and_counts_are_of_all(files: BucketObjects) -> None:
    sizes = files.put_all([bytes([number]) * 10 for number in range(20)])
    wanted = sorted((digest, size) for digest, size in sizes.items())
    told = list(examine(files._bucket, wanted[:15], sample=4, deep=False))
    assert told == [Total(15, 5, 50, 4, 40)]
    told = list(examine(files._bucket, [*wanted, ("f" * 64, None)], sample=0, deep=True))
    assert told == [Found("f" * 64, "missing"), Total(21, 0, 0, 20, 200)]
