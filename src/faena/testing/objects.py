"""The contract of `faena.objects.contract`: inherit and give the fixtures `files` and `hands`, its clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.kernel.errors import NotFound, UserErrorException
from faena.objects.contract import PINNED_S, ObjectFiles
from faena.testing.clock import ManualClock

MISSING = "0" * 64


class ObjectFilesContract:
    many = 300
    """Files that are put at once: fewer where each is a request."""

    def test_what_was_put_comes_back_under_its_sha256(self, files: ObjectFiles) -> None:
        digest, size = files.put([b"hello ", b"world"])
        assert (digest, size) == (hashlib.sha256(b"hello world").hexdigest(), 11)
        with files.open(digest) as file:
            assert file.read() == b"hello world"
        assert files.size(digest) == 11

    def test_nothing_is_an_object_too(self, files: ObjectFiles) -> None:
        digest, size = files.put([])
        assert size == 0
        with files.open(digest) as file:
            assert file.read() == b""

    def test_putting_again_gives_the_same_object_once(self, files: ObjectFiles) -> None:
        assert files.put([b"x"]) == files.put([b"x"])
        assert len(list(files.list())) == 1

    def test_an_unknown_digest_is_not_found(self, files: ObjectFiles) -> None:
        assert files.size(MISSING) is None
        with pytest.raises(NotFound, match=MISSING):
            files.open(MISSING)

    @pytest.mark.parametrize("digest", ["../../etc/passwd", "a" * 63, "A" * 64, "", "0" * 63 + "/"])
    def test_what_is_no_digest_is_refused(self, files: ObjectFiles, digest: str) -> None:
        with pytest.raises(UserErrorException):
            files.open(digest)

    def test_deleting_forgets_and_may_be_repeated(self, files: ObjectFiles, hands: ManualClock) -> None:
        digest, _ = files.put([b"x"])
        hands.advance(PINNED_S)
        assert files.delete(digest)
        assert files.delete(digest)
        assert files.size(digest) is None
        assert list(files.list()) == []

    def test_what_somebody_asked_to_keep_just_now_stays(
        self, files: ObjectFiles, hands: ManualClock, tmp_path: Path
    ) -> None:
        digest, _ = files.put([b"x"])
        (tmp_path / "x").write_bytes(b"x")
        assert not files.delete(digest)
        for keep in (
            lambda: files.size_to_keep(digest),
            lambda: files.put([b"x"]),
            lambda: files.put_file(tmp_path / "x"),
            lambda: files.put_file(tmp_path / "x", take=True),
        ):
            hands.advance(PINNED_S - 1)
            keep()
            hands.advance(PINNED_S - 1)
            assert not files.delete(digest)
        hands.advance(1)
        assert files.delete(digest)
        assert files.size_to_keep(digest) is None

    def test_bytes_that_come_in_parts_are_an_object_once_they_are_kept(self, files: ObjectFiles) -> None:
        incoming = files.begin()
        for part in (b"hello ", b"", b"world"):
            incoming.write(part)
        assert list(files.list()) == []
        incoming.keep()
        incoming.close()
        assert (incoming.digest, incoming.size) == files.put([b"hello world"])
        with files.open(incoming.digest) as file:
            assert file.read() == b"hello world"

    def test_those_that_are_given_up_leave_nothing(self, files: ObjectFiles) -> None:
        incoming = files.begin()
        incoming.write(b"x" * 5_000_000)
        incoming.close()
        incoming.close()
        assert list(files.list()) == []

    def test_a_put_that_fails_leaves_nothing(self, files: ObjectFiles) -> None:
        def breaking_off() -> list[bytes]:
            raise ConnectionError("cut off")

        with pytest.raises(ConnectionError):
            files.put(part for part in [b"x", breaking_off()[0]])
        assert list(files.list()) == []

    def test_many_at_once_are_each_an_object(self, files: ObjectFiles, hands: ManualClock) -> None:
        files.put([b"there before"])
        contents = [b"", b"x" * 100_000, b"twice", b"there before", b"twice"]
        sizes = files.put_all(contents)
        assert sizes == {hashlib.sha256(content).hexdigest(): len(content) for content in contents}
        assert sorted(files.list()) == sorted(sizes)
        for content in contents:
            with files.open(hashlib.sha256(content).hexdigest()) as file:
                assert file.read() == content
        assert files.put_all(contents) == sizes
        assert files.put_all([]) == {}
        hands.advance(PINNED_S - 1)
        assert not any(files.delete(digest) for digest in sizes)

    def test_many_of_which_one_cannot_be_had_leave_nothing_half(self, files: ObjectFiles) -> None:
        def breaking_off() -> Iterator[bytes]:
            yield b"x"
            raise ConnectionError("cut off")

        with pytest.raises(ConnectionError):
            files.put_all(breaking_off())
        assert list(files.list()) == []

    @pytest.mark.parametrize("take", [False, True])
    def test_a_file_is_kept_and_stays(self, files: ObjectFiles, tmp_path: Path, take: bool) -> None:
        source = tmp_path / "model.npz"
        source.write_bytes(b"weights" * 1000)
        digest, size = files.put_file(source, take=take)
        assert size == 7000
        assert source.read_bytes() == b"weights" * 1000
        with files.open(digest) as file:
            assert file.read() == b"weights" * 1000

    @pytest.mark.parametrize("take", [False, True])
    def test_many_files_at_once(self, files: ObjectFiles, tmp_path: Path, take: bool) -> None:
        paths = [tmp_path / str(number) for number in range(self.many)]
        for number, path in enumerate(paths):
            path.write_bytes(b"%d" % (number % (self.many // 2)))
        missing = tmp_path / "missing"
        *found, refused = files.put_files([*paths, missing], take=take)
        assert isinstance(refused, UserErrorException)
        assert str(missing) in refused.message
        assert found == [files.put_file(path) for path in paths]
        assert len(list(files.list())) == self.many // 2
        assert all(isinstance(each, tuple) and files.size(each[0]) == each[1] for each in found)

    @pytest.mark.parametrize("size", [0, 7000, 20_000_001])
    @pytest.mark.parametrize("take", [False, True])
    def test_a_file_put_again_is_the_same_object(
        self, files: ObjectFiles, tmp_path: Path, take: bool, size: int
    ) -> None:
        found = set()
        for name in ("first", "second"):
            source = tmp_path / name
            source.write_bytes(b"w" * size)
            found.add(files.put_file(source, take=take))
            found.add(files.put_file(source))
        ((digest, length),) = found
        assert length == size
        assert list(files.list()) == [digest]
        with files.open(digest) as file:
            assert file.read() == b"w" * size

    def test_a_copy_does_not_change_with_its_source(self, files: ObjectFiles, tmp_path: Path) -> None:
        source = tmp_path / "model.npz"
        source.write_bytes(b"before")
        digest, _ = files.put_file(source)
        source.write_bytes(b"after!")
        with files.open(digest) as file:
            assert file.read() == b"before"

    def test_a_taken_file_that_is_replaced_does_not_change_the_object(
        self, files: ObjectFiles, tmp_path: Path
    ) -> None:
        source = tmp_path / "model.npz"
        source.write_bytes(b"before")
        digest, _ = files.put_file(source, take=True)
        source.unlink()
        source.write_bytes(b"after!")
        with files.open(digest) as file:
            assert file.read() == b"before"

    def test_a_file_with_a_second_name_is_copied_even_when_taken(
        self, files: ObjectFiles, tmp_path: Path
    ) -> None:
        source, second = tmp_path / "model.npz", tmp_path / "second"
        source.write_bytes(b"before")
        second.hardlink_to(source)
        digest, _ = files.put_file(source, take=True)
        second.write_bytes(b"after!")
        with files.open(digest) as file:
            assert file.read() == b"before"

    def test_a_file_is_taken_by_the_digest_that_it_had_as_it_was_written(
        self, files: ObjectFiles, tmp_path: Path
    ) -> None:
        source = tmp_path / "sent"
        source.write_bytes(b"sent in pieces")
        digest = hashlib.sha256(b"sent in pieces").hexdigest()
        for _ in range(2):
            assert files.take_known(source, digest) == 14
            with files.open(digest) as file:
                assert file.read() == b"sent in pieces"
        assert source.exists()
