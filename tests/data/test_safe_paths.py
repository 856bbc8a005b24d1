"""Files below a folder that nothing may leave."""

from __future__ import annotations

import io
import os
import socket
from pathlib import Path

import pytest

from faena.data import safe_paths
from faena.kernel.errors import NotFound, UserErrorException
from tests.data.hostile import HARMLESS, LEAVING


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with `in.txt` and, beside it, `secret.txt`."""
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "in.txt").write_text("in")
    return root


def put(root: Path, path: str, data: bytes = b"new", overwrite: bool = False) -> bool:
    return safe_paths.write(root, path, io.BytesIO(data), overwrite=overwrite)


class TestPaths:
    @pytest.mark.parametrize("path", LEAVING)
    def test_one_that_could_leave_is_refused_by_every_verb(self, root: Path, path: str) -> None:
        before = sorted(root.parent.rglob("*"))
        for verb in (safe_paths.resolve, safe_paths.walk, put, safe_paths.remove):
            with pytest.raises(UserErrorException, match="path"):
                verb(root, path)
        assert sorted(root.parent.rglob("*")) == before

    @pytest.mark.parametrize("path", HARMLESS)
    def test_one_that_only_looks_like_it_names_a_file_as_it_is_spelled(self, root: Path, path: str) -> None:
        with pytest.raises(NotFound):
            safe_paths.resolve(root, path)
        assert put(root, path)
        assert [file.path for file in safe_paths.walk(root).files] == sorted(["in.txt", path])
        assert safe_paths.remove(root, path) == 1

    @pytest.mark.parametrize("path", ["a/b", "./a/b", "a/b/", "a/./b", "././a/b/."])
    def test_one_spelling(self, path: str) -> None:
        assert safe_paths.check(path) == "a/b"

    @pytest.mark.parametrize("path", ["", ".", "./"])
    def test_the_folder_itself(self, root: Path, path: str) -> None:
        assert safe_paths.check(path) == ""
        assert safe_paths.resolve(root, path) == root
        for verb in (put, safe_paths.remove):
            with pytest.raises(UserErrorException):
                verb(root, path)

    @pytest.mark.parametrize("path", [3, None, b"x", ["x"]])
    def test_what_is_no_text(self, path: object) -> None:
        with pytest.raises(UserErrorException, match="no text"):
            safe_paths.check(path)


class TestLinks:
    @pytest.fixture(params=["file", "folder"])
    def out(self, request: pytest.FixtureRequest, root: Path) -> str:
        """A link in the root that leads out; the path behind it."""
        if request.param == "file":
            (root / "out").symlink_to("../secret.txt")
            return "out"
        (root / "out").symlink_to("..")
        return "out/secret.txt"

    def test_one_that_leads_out_is_not_read(self, root: Path, out: str) -> None:
        for verb in (safe_paths.resolve, safe_paths.walk):
            with pytest.raises(UserErrorException, match="link out"):
                verb(root, out)

    def test_it_is_left_out_of_a_listing_that_says_so(self, root: Path, out: str) -> None:
        listing = safe_paths.walk(root)
        assert [file.path for file in listing.files] == ["in.txt"]
        assert listing.left_out == ["'out' is a link out of its folder"]

    def test_nothing_is_written_or_removed_through_it(self, root: Path, out: str) -> None:
        if out == "out":
            assert not put(root, out)
            assert put(root, out, overwrite=True)  # replaces the link, not what it leads to
        else:
            for verb in (put, safe_paths.remove):
                with pytest.raises(UserErrorException, match="link out"):
                    verb(root, out)
        assert safe_paths.remove(root, "out") == 1
        assert (root.parent / "secret.txt").read_text() == "secret"

    def test_one_that_stays_inside_counts_as_what_it_leads_to(self, root: Path) -> None:
        (root / "sub").mkdir()
        (root / "sub" / "f").write_text("f")
        (root / "link").symlink_to("sub")
        assert [file.path for file in safe_paths.walk(root).files] == ["in.txt", "link/f", "sub/f"]
        assert put(root, "link/g")
        assert (root / "sub" / "g").read_bytes() == b"new"

    def test_loops_end(self, root: Path) -> None:
        (root / "loop").symlink_to(".")
        (root / "a").symlink_to("b")
        (root / "b").symlink_to("a")
        (root / "nowhere").symlink_to("nothing")
        listing = safe_paths.walk(root)
        assert [file.path for file in listing.files] == ["in.txt"]
        assert len(listing.left_out) == 4
        for path in ("a", "nowhere", "a/x"):
            with pytest.raises(UserErrorException):
                safe_paths.resolve(root, path)


def test_what_is_no_regular_file_is_left_out_and_never_opened(root: Path) -> None:
    os.mkfifo(root / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(root / "socket"))
    server.close()
    listing = safe_paths.walk(root)
    assert [file.path for file in listing.files] == ["in.txt"]
    assert sorted(listing.left_out) == ["'pipe' is not a regular file", "'socket' is not a regular file"]
    with pytest.raises(UserErrorException, match="no regular file"):
        safe_paths.walk(root, "pipe")


def test_names_that_no_path_may_have_are_left_out(root: Path) -> None:
    (root / "new\nline").write_text("x")
    (root / os.fsdecode(b"\xff")).write_text("x")
    listing = safe_paths.walk(root)
    assert [file.path for file in listing.files] == ["in.txt"]
    assert len(listing.left_out) == 2


class TestWriting:
    def test_what_is_there_stays_unless_told(self, root: Path) -> None:
        assert not put(root, "in.txt")
        assert (root / "in.txt").read_text() == "in"
        assert put(root, "in.txt", overwrite=True)
        assert (root / "in.txt").read_text() == "new"

    def test_folders_are_made_and_a_file_is_no_folder(self, root: Path) -> None:
        assert put(root, "a/b/c")
        with pytest.raises(UserErrorException, match="there is a file"):
            put(root, "in.txt/x")
        with pytest.raises(UserErrorException, match="is a folder"):
            put(root, "a/b", overwrite=True)

    def test_a_root_that_is_gone_is_not_made_anew(self, root: Path) -> None:
        with pytest.raises(NotFound):
            put(root / "gone", "x")
        assert not (root / "gone").exists()

    def test_a_change_meanwhile_leaves_things_as_they_were(self, root: Path) -> None:
        def changed() -> None:
            raise UserErrorException("it changed")

        with pytest.raises(UserErrorException, match="it changed"):
            safe_paths.write(root, "in.txt", io.BytesIO(b"torn"), overwrite=True, before_it_counts=changed)
        assert [place.name for place in root.iterdir()] == ["in.txt"]
        assert (root / "in.txt").read_text() == "in"

    def test_what_a_killed_writer_left_is_no_data(self, root: Path) -> None:
        (root / ".faena-0123456789abcdef.part").write_text("half")
        assert [file.path for file in safe_paths.walk(root).files] == ["in.txt"]


def test_removing_a_folder_counts_its_files(root: Path) -> None:
    put(root, "a/b/c")
    put(root, "a/d")
    assert safe_paths.remove(root, "a") == 2
    with pytest.raises(NotFound):
        safe_paths.remove(root, "a")
