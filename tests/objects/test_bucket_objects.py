"""Objects in a bucket, by the contract and beyond it."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faena.kernel.errors import NotFound, WorkspaceException
from faena.kernel.verified_times import is_sealed
from faena.objects.bucket import aws_files
from faena.objects.bucket.cache import RECENT_S, STAGED_S, Cache
from faena.objects.bucket.files import BucketObjects
from faena.objects.bucket.store import Bucket
from faena.objects.contract import PINNED_S, ObjectFiles
from faena.testing import s3
from faena.testing.clock import ManualClock
from faena.testing.objects import ObjectFilesContract
from faena.workspaces.objects_place import Address, parsed
from tests.objects.bucket_parts import WORKSPACE, another_folder, read, wall
from tests.objects.test_damage import HARMS, lost_bits


@pytest.fixture
def files(bucket_files: BucketObjects) -> BucketObjects:
    return bucket_files


class TestBucket(ObjectFilesContract):
    many = 40

    @pytest.mark.parametrize("size", [0, pytest.param(20_000_001, marks=pytest.mark.long)])
    @pytest.mark.parametrize("take", [False, True])
    def test_a_file_put_again_is_the_same_object(
        self, files: ObjectFiles, tmp_path: Path, take: bool, size: int
    ) -> None:
        super().test_a_file_put_again_is_the_same_object(files, tmp_path, take, size)


@pytest.mark.long
def test_what_was_put_is_there_without_the_folder(
    files: BucketObjects, place: Address, tmp_path: Path
) -> None:
    large = os.urandom(20_000_001)
    (tmp_path / "sent").write_bytes(b"sent in pieces")
    (tmp_path / "model").write_bytes(b"weights")
    sent = hashlib.sha256(b"sent in pieces").hexdigest()
    put = {files.put([b"streamed"])[0]: b"streamed", files.put([large])[0]: large, sent: b"sent in pieces"}
    files.put_all([b"one", b"two", b""])
    files.take_known(tmp_path / "sent", sent)
    files.put_files([tmp_path / "model"], take=True)
    put |= {hashlib.sha256(each).hexdigest(): each for each in (b"one", b"two", b"", b"weights")}
    other = another_folder(place, tmp_path / "other")
    assert sorted(other.list()) == sorted(put)
    for digest, content in put.items():
        assert other.size(digest) == other.check(digest) == len(content)
        assert read(other, digest) == content
        with other.open_to_seek(digest) as file, other.open_unverified(digest) as raw:
            file.seek(max(0, len(content) - 3))
            assert file.read() == content[-3:]
            assert raw.read() == content


def test_it_is_fetched_once_however_many_ask(
    files: BucketObjects, place: Address, way: s3.Way, tmp_path: Path
) -> None:
    digest, _ = files.put([b"x" * 500_000])
    place.options["endpoint"] = way.endpoint
    other = another_folder(place, tmp_path / "other")
    with ThreadPoolExecutor(8) as pool:
        assert all(each == b"x" * 500_000 for each in pool.map(lambda _: read(other, digest), range(24)))
    assert [verb for verb, _ in way.asked].count("GET") == 1


def test_what_was_fetched_is_whole_and_known_to_be_by_the_time_it_has_a_name(
    files: BucketObjects, place: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, _ = files.put([b"small"])
    other = another_folder(place, tmp_path / "other")
    rename, named = Path.rename, []

    def seen(path: Path, target: Path) -> Path:
        named.append((path.read_bytes(), is_sealed(path.stat(), digest)))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", seen)
    other.bring([digest])
    assert named == [(b"small", True)]  # a node reads it by its name at once


def test_a_process_leaves_in_the_folder_what_another_has_staged(
    files: BucketObjects, place: Address, tmp_path: Path, hands: ManualClock
) -> None:
    digests = [files.put([bytes([number]) * 1000])[0] for number in range(12)]
    one, other = (
        BucketObjects(tmp_path / "shared", Bucket(place, WORKSPACE), 5000, hands.monotonic, wall=wall(hands))
        for _ in range(2)
    )
    one.bring(digests[:4])  # for a node
    for digest in digests[4:]:
        hands.advance(RECENT_S)
        other.bring([digest])
    assert all(one.path(digest).is_file() for digest in digests[:4])
    hands.advance(STAGED_S + 1)
    one.bring(digests[:2])
    read(other, digests[4])
    other._cache.empty()
    left = {path.name for path in (tmp_path / "shared").glob("??/*")}
    assert left == {*digests[:2], digests[4]}


def test_what_was_brought_is_there_however_often_another_process_makes_room(
    files: BucketObjects, place: Address, tmp_path: Path
) -> None:
    digests = [files.put([bytes([number])])[0] for number in range(4)]
    one, other = another_folder(place, tmp_path / "shared"), Cache(tmp_path / "shared", 0)
    over = threading.Event()

    def make_room() -> None:
        while not over.is_set():
            other.empty()

    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(make_room)
        try:
            for _ in range(50):
                for digest in digests:
                    os.utime(one.path(digest), (0, 0)) if one.path(digest).exists() else None
                assert one.bring(digests) == []
                assert all(one.path(digest).is_file() for digest in digests)
        finally:
            over.set()
        going.result()


def test_many_are_looked_for_together(
    files: BucketObjects, place: Address, way: s3.Way, tmp_path: Path, hands: ManualClock
) -> None:
    put = files.put_all([bytes([number]) for number in range(40)])
    hands.advance(PINNED_S)
    place.options["endpoint"] = way.endpoint
    other = another_folder(place, tmp_path / "other")
    absent = "0" * 64
    other.look_ahead([*put, absent])
    asked = len(way.asked)
    assert [other.size_to_keep(digest) for digest in (*put, absent)] == [1] * 40 + [None]
    assert len(way.asked) == asked  # it is known
    assert not any(other.delete(digest) for digest in put)  # and stays so
    other.put_all([b"x"])
    Bucket(place, WORKSPACE).delete(next(iter(put)))
    assert other.size(next(iter(put))) is None  # for one question each


def test_what_is_damaged_in_the_folder_is_brought_anew(files: BucketObjects) -> None:
    for harm in HARMS:
        digest, _ = files.put([os.urandom(64)])
        before = read(files, digest)
        harm(files.path(digest))
        if harm is not lost_bits:
            assert read(files, digest) == before
            continue
        with pytest.raises(Exception, match="damaged"):
            read(files, digest)  # nobody sees it before the bytes are read
        assert read(files, digest) == before


def test_what_power_loss_tore_is_brought_anew(files: BucketObjects, place: Address, tmp_path: Path) -> None:
    digest, _ = files.put([b"whole"])
    lost_bits(files.path(digest))  # as a file that had its time before its bytes
    (tmp_path / "objects" / "boot").write_text("another")
    with another_folder(place, tmp_path / "objects").open_unverified(digest) as file:
        assert file.read() != b"whole"  # whoever asks for it so verifies it
    assert read(another_folder(place, tmp_path / "objects"), digest) == b"whole"


def test_a_folder_takes_no_more_than_it_may(
    files: BucketObjects, place: Address, tmp_path: Path, hands: ManualClock
) -> None:
    digests = [files.put([bytes([number]) * 1000])[0] for number in range(20)]
    small = BucketObjects(
        tmp_path / "small", Bucket(place, WORKSPACE), 5000, hands.monotonic, wall=wall(hands)
    )

    def held() -> int:
        return sum(path.stat().st_size for path in (tmp_path / "small").glob("??/*"))

    assert small.bring([*digests[:8], "0" * 64]) == ["0" * 64]
    assert held() == 8000  # a node was told that they are there
    hands.advance(STAGED_S)
    for digest in digests[8:]:
        hands.advance(RECENT_S)
        assert len(read(small, digest)) == 1000
        assert held() <= 5000
    assert small.path(digests[-1]).exists()
    assert not small.path(digests[0]).exists()
    assert [small.size(digest) for digest in digests] == [1000] * 20
    assert BucketObjects(tmp_path / "small", Bucket(place, WORKSPACE), 0)._cache.size == held()


def test_what_is_put_while_it_is_deleted_stays(
    files: BucketObjects, place: Address, way: s3.Way, tmp_path: Path, hands: ManualClock
) -> None:
    digest, _ = files.put([b"x"])
    place.options["endpoint"] = way.endpoint
    other = BucketObjects(
        tmp_path / "objects", Bucket(place, WORKSPACE), 1 << 30, hands.monotonic, wall=wall(hands)
    )
    with ThreadPoolExecutor(1) as pool:
        putting = []

        def spoil(verb: str, path: str) -> int:
            if verb == "DELETE" or "delete" in path:
                putting.append(pool.submit(other.put, [b"x"]))
            return 0

        way.spoil = spoil
        hands.advance(PINNED_S)
        assert other.delete(digest)
        assert putting[0].result() == (digest, 1)
    assert read(another_folder(place, tmp_path / "other"), digest) == b"x"


@pytest.mark.parametrize("when", ["before it has a name", "after it has one"])
def test_what_one_process_brings_while_another_deletes_it_has_no_name(
    files: BucketObjects,
    place: Address,
    tmp_path: Path,
    hands: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    digest, _ = files.put([b"x"])
    files.path(digest).unlink()
    hands.advance(PINNED_S)
    one, other = (
        BucketObjects(tmp_path / "objects", Bucket(place, WORKSPACE), 1 << 30, hands.monotonic, alone=False)
        for _ in range(2)
    )
    if when == "before it has a name":
        read_there = one._bucket.read
        monkeypatch.setattr(
            one._bucket, "read", lambda *asked: [*read_there(*asked), b"" if other.delete(digest) else b"?"]
        )
        assert one.bring([digest]) == [digest]
    else:
        delete_there = other._bucket.delete
        monkeypatch.setattr(other._bucket, "delete", lambda asked: (one.bring([asked]), delete_there(asked)))
        assert other.delete(digest)
    assert not one.path(digest).exists()
    assert one.put([b"x"]) == (digest, 1)
    assert list(files.list()) == [digest]


def test_what_is_gone_from_the_bucket_is_not_here(files: BucketObjects, place: Address) -> None:
    digest, _ = files.put([b"x"])
    Bucket(place, WORKSPACE).delete(digest)
    files.path(digest).unlink()
    assert files.size_to_keep(digest) is None
    files.explain = lambda digest: "Run 7 refers to it."
    with pytest.raises(Exception, match="Run 7"):
        files.open(digest)
    files.explain = lambda digest: ""
    with pytest.raises(NotFound):
        files.check(digest)
    files.put([b"x"])
    assert read(files, digest) == b"x"


def test_a_bucket_is_of_one_workspace(files: BucketObjects, place: Address, tmp_path: Path) -> None:
    digest, _ = files.put([b"x"])
    copy = BucketObjects(tmp_path / "copy", Bucket(place, "ws-copy"), 1 << 30)
    with pytest.raises(WorkspaceException, match="another workspace, 'ws-tests'"):
        copy.put([b"y"])
    with pytest.raises(WorkspaceException, match="another workspace"):
        copy.delete(digest)
    assert list(files.list()) == [digest]


@pytest.mark.parametrize("wrong", ["key", "no keys", "bucket", "endpoint"])
def test_what_is_wrong_is_said_at_the_start(
    s3_server: s3.S3Server, signed_in: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: str
) -> None:
    address = s3_server.address
    Bucket(parsed(address), WORKSPACE).try_out()
    if wrong == "key":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    if wrong == "no keys":
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")  # a machine without a role
    told = {
        "key": "signature",
        "no keys": "environment has no keys",
        "bucket": "bucket does not exist",
        "endpoint": "sending request",
    }[wrong]
    if wrong == "bucket":
        address = address.replace(s3.BUCKET, "no-such", 1)
    if wrong == "endpoint":
        address = address.replace(str(s3_server.port), "1")
    with pytest.raises(WorkspaceException, match=told) as raised:
        Bucket(parsed(address), WORKSPACE).try_out()
    assert "another" not in raised.value.message.partition("See that")[0]


def test_keys_of_amazons_own_files(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(
        "[default]\naws_access_key_id=A\naws_secret_access_key=B\n[far]\naws_access_key_id=C\naws_secret_access_key=D\n"
    )
    (tmp_path / ".aws" / "config").write_text("[profile far]\nregion = eu-west-3\n")
    home = {"HOME": str(tmp_path)}
    assert aws_files.found(home) == {"access_key_id": "A", "secret_access_key": "B"}
    far = aws_files.found({**home, "AWS_PROFILE": "far"})
    assert far == {"access_key_id": "C", "secret_access_key": "D", "region": "eu-west-3"}
    assert aws_files.found({**home, "AWS_ACCESS_KEY_ID": "E"}) == {}
    (tmp_path / ".aws" / "credentials").write_bytes(b"\xff[")
    assert aws_files.found(home) == {}
