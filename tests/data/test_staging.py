from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest

from faena.data.snapshots import capture
from faena.data.staging import materialise
from faena.kernel import digests
from faena.kernel.errors import SnapshotException

Open = Callable[[str], IO[bytes]]


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    folder = tmp_path / "objects"
    folder.mkdir()
    return folder


def entry(objects: Path, path: str, content: bytes = b"x", executable: bool = False) -> dict[str, Any]:
    digest = digests.of_bytes(content)
    (objects / digest).write_bytes(content)
    return {"path": path, "size": len(content), "digest": digest, "executable": executable}


def test_a_captured_folder_is_made_again(objects: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "a" / "b").mkdir(parents=True)
    (source / "a" / "b" / "run.sh").write_text("#!/bin/sh\n")
    (source / "a" / "b" / "run.sh").chmod(0o755)
    (source / "new\nline").write_text("")
    (source / "big").write_bytes(os.urandom(3_000_000))
    (source / "link").symlink_to("big")
    snapshot = capture(source, index=tmp_path / "index").snapshot
    for file in snapshot.files:
        (objects / file.digest).write_bytes((source / file.path).read_bytes())
    target = tmp_path / "deep" / "target"
    materialise(msgspec.to_builtins(snapshot.files), lambda digest: (objects / digest).open("rb"), target)
    assert capture(target, index=tmp_path / "index2").snapshot.digest == snapshot.digest
    assert not (target / "link").is_symlink()


def test_files_are_writable_copies_with_plain_modes(objects: Path, tmp_path: Path) -> None:
    files = [entry(objects, "a", b"1"), entry(objects, "b", b"2", executable=True)]
    for file in files:
        (objects / file["digest"]).chmod(0o444)
    old = os.umask(0o077)
    try:
        materialise(files, lambda digest: (objects / digest).open("rb"), tmp_path / "target")
    finally:
        os.umask(old)
    a, b = (tmp_path / "target" / name for name in "ab")
    assert [place.stat().st_mode & 0o777 for place in (a, b)] == [0o644, 0o755]
    assert a.stat().st_nlink == 1
    a.write_bytes(b"changed")
    assert (objects / files[0]["digest"]).read_bytes() == b"1"


def test_objects_that_are_no_plain_files(objects: Path, tmp_path: Path) -> None:
    content = os.urandom(2_500_000)
    opened: list[io.BytesIO] = []

    def remote(_digest: str) -> IO[bytes]:
        opened.append(io.BytesIO(content))
        return opened[-1]

    materialise([entry(objects, "a", content)], remote, tmp_path / "target")
    assert (tmp_path / "target" / "a").read_bytes() == content
    assert opened[0].closed


def test_a_pipe_is_copied_through_memory(objects: Path, tmp_path: Path) -> None:
    """copy_file_range refuses a pipe: the way of file systems that cannot copy by themselves."""

    def piped(_digest: str) -> IO[bytes]:
        reader, writer = os.pipe()
        os.write(writer, b"from a pipe")
        os.close(writer)
        return os.fdopen(reader, "rb")

    materialise([entry(objects, "a", b"from a pipe")], piped, tmp_path / "target")
    assert (tmp_path / "target" / "a").read_bytes() == b"from a pipe"


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "//proc/self/root/x", "..", "../x", "a/../../x", "a/./b", "a//b", "a/", ".", "..\\x", "C:\\x",
     "a\\..\\b", "a\0b", None, 3, b"x"],
)  # fmt: skip
def test_a_path_that_could_leave_the_target_stops_all(path: Any, objects: Path, tmp_path: Path) -> None:
    files = [entry(objects, "good"), {**entry(objects, "x"), "path": path}]
    with pytest.raises(SnapshotException, match="path"):
        materialise(files, lambda digest: (objects / digest).open("rb"), tmp_path / "target")
    assert sorted(place.name for place in tmp_path.iterdir()) == ["objects"]


@pytest.mark.parametrize("paths", [["a", "a"], ["a", "a/b"], ["a/b", "a"], ["a/b/c", "a/b"]])
def test_paths_that_clash(paths: list[str], objects: Path, tmp_path: Path) -> None:
    files = [entry(objects, path) for path in paths]
    with pytest.raises(SnapshotException, match="path"):
        materialise(files, lambda digest: (objects / digest).open("rb"), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_target_that_exists_is_refused_and_kept(objects: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(SnapshotException, match="exists already"):
        materialise([entry(objects, "a")], lambda digest: (objects / digest).open("rb"), target)
    target.rmdir()
    target.symlink_to(objects)
    with pytest.raises(SnapshotException, match="exists already"):
        materialise([entry(objects, "a")], lambda digest: (objects / digest).open("rb"), target)
    assert not (objects / "a").exists()


def test_an_object_that_is_gone_or_cut_leaves_nothing(objects: Path, tmp_path: Path) -> None:
    files = [entry(objects, "a", b"first"), entry(objects, "b", b"second")]
    for harm in (b"sec", b"seCond"):
        (objects / files[1]["digest"]).write_bytes(harm)
        with pytest.raises(
            SnapshotException, match=r"The bytes of 'b' are damaged in the workspace \(object \w+, 6 b"
        ):
            materialise(files, lambda digest: (objects / digest).open("rb"), tmp_path / "target")
    (objects / files[1]["digest"]).unlink()
    with pytest.raises(SnapshotException, match="The bytes of 'b' are gone in the workspace"):
        materialise(files, lambda digest: (objects / digest).open("rb"), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_it_needs_the_standard_library_only() -> None:
    code = (
        "import sys, faena.data.staging; "
        "print([n for n in ('msgspec', 'pathspec', 'numpy', 'sqlalchemy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
