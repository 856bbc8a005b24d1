"""Large files that go to a bucket while they come here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faena.kernel import digests
from faena.objects.bucket import sending
from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.objects.contract import PINNED_S
from faena.testing import s3
from faena.testing.clock import ManualClock
from faena.testing.waiting import until
from faena.workspaces.objects_place import Address
from tests.objects.bucket_parts import WORKSPACE, another_folder, read, wall

SIZE = 1 << 20


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SENT_AHEAD", SIZE)
    monkeypatch.setattr(sending, "_PART", SIZE // 4)


@pytest.fixture
def files(place: Address, way: s3.Way, tmp_path: Path, hands: ManualClock) -> BucketObjects:
    place.options["endpoint"] = way.endpoint
    bucket = Bucket(place, WORKSPACE, patience=0.1)
    bucket.claim()
    return BucketObjects(tmp_path / "objects", bucket, 1 << 30, hands.monotonic, wall=wall(hands))


@pytest.fixture
def content() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture
def come(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "come"
    path.write_bytes(content)
    return path


def sent(way: s3.Way) -> int:
    return sum(verb == "PUT" for verb, _ in way.asked)


def there(place: Address, tmp_path: Path, digest: str) -> bytes:
    return read(another_folder(place, tmp_path / "another"), digest)


def test_a_file_that_came_is_sent_once(
    files: BucketObjects, place: Address, way: s3.Way, come: Path, content: bytes, tmp_path: Path
) -> None:
    digest, before = digests.of_bytes(content), sent(way)
    going = files.begin_sending(digest, come, SIZE)
    assert going is not None
    assert files.begin_sending(digest, come, SIZE) is None  # it is on its way
    going.more(SIZE // 2)
    going.more(SIZE)
    assert files.take_known(come, digest) == SIZE
    going.close()
    assert sent(way) == before + 1
    assert there(place, tmp_path, digest) == content == read(files, digest)


def test_a_file_is_digested_while_it_is_sent(
    files: BucketObjects, place: Address, way: s3.Way, come: Path, content: bytes, tmp_path: Path
) -> None:
    digest, before = digests.of_bytes(content), sent(way)
    assert files.put_file(come, expected=digest) == (digest, SIZE)
    assert sent(way) == before + 1
    assert there(place, tmp_path, digest) == content


def test_who_lies_of_a_digest_gains_nothing(
    files: BucketObjects, place: Address, come: Path, content: bytes, tmp_path: Path
) -> None:
    lie, true = digests.of_bytes(b"another"), digests.of_bytes(content)
    assert files.put_file(come, expected=lie) == (true, SIZE)
    going = files.begin_sending(lie, come, SIZE)
    assert going is not None
    going.more(SIZE)
    until(lambda: not files._sendings._going, "it is given up")
    assert set(files.list()) == {true}
    assert there(place, tmp_path, true) == content


@pytest.mark.parametrize("how", ["broken off", "refused", "changed"])
def test_what_could_not_be_sent_ahead_is_sent_when_it_is_kept(
    files: BucketObjects, place: Address, way: s3.Way, come: Path, content: bytes, tmp_path: Path, how: str
) -> None:
    digest = digests.of_bytes(content)
    if how == "changed":
        come.write_bytes(bytes(SIZE))
    if how == "refused":
        left = iter(range(3))  # as often as obstore tries
        way.spoil = lambda verb, path: 503 if verb == "PUT" and next(left, None) is not None else 0
    going = files.begin_sending(digest, come, SIZE)
    assert going is not None
    going.more(SIZE // 2 if how == "broken off" else SIZE)
    if how == "changed":  # as by another process, which has it from its beginning
        until(lambda: not files._sendings._going, "it is given up")
        come.write_bytes(content)
    files.take_known(come, digest)
    going.close()
    assert there(place, tmp_path, digest) == content


def test_what_was_deleted_since_is_sent_again(
    files: BucketObjects, place: Address, come: Path, content: bytes, tmp_path: Path, hands: ManualClock
) -> None:
    digest = digests.of_bytes(content)
    files.put_file(come, expected=digest)
    hands.advance(PINNED_S)
    assert files.delete(digest)
    assert list(files.list()) == []
    files.put_file(come, expected=digest)
    assert there(place, tmp_path, digest) == content


@pytest.mark.long
def test_parts_are_there_before_the_last_has_come(
    files: BucketObjects, place: Address, way: s3.Way, tmp_path: Path
) -> None:
    content = os.urandom(17_000_000)
    path, digest, before = tmp_path / "large", digests.of_bytes(content), sent(way)
    path.write_bytes(content[:-1000])
    going = files.begin_sending(digest, path, len(content))
    assert going is not None
    going.more(len(content) - 1000)
    until(lambda: sent(way) >= before + 2, "parts are sent")
    with path.open("ab") as file:
        file.write(content[-1000:])
    assert digest not in set(files.list())
    going.more(len(content))
    files.take_known(path, digest)
    going.close()
    assert there(place, tmp_path, digest) == content
