"""Ignore files, beside what git itself says about the same tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from faena.data.ignore import ALWAYS
from faena.data.snapshots import capture
from faena.kernel.errors import SnapshotException

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def make(folder: Path, files: dict[str, str]) -> None:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)


def captured(folder: Path) -> set[str]:
    try:
        return {file.path for file in capture(folder, index=folder / ".faena" / "index").snapshot.files}
    except SnapshotException as error:
        assert "holds no file" in error.message
        return set()


def seen_by_git(folder: Path) -> set[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    git = ["git", "-C", str(folder), "-c", "core.excludesFile=", "-c", "core.quotePath=false"]
    subprocess.run([*git, "init", "-q", "--template="], check=True, env=environment)
    listing = [*git, "ls-files", "-z", "--others", "--exclude-standard"]
    done = subprocess.run(listing, check=True, env=environment, capture_output=True)
    shutil.rmtree(folder / ".git")
    return {path for path in done.stdout.decode().split("\0") if path and ALWAYS.isdisjoint(path.split("/"))}


names = st.sampled_from(["a", "b", "log", "x.log", "build", "é"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
patterns = st.one_of(
    st.sampled_from(
        [
            "*",
            "*.log",
            "!*.log",
            "**",
            "*/",
            "!*/",
            "/*",
            "!/*",
            "# note",
            "",
            "!",
            "/",
            "\\#a",
            "a ",
            "[ab]",
            "[!a]*",
            "[[:alpha:]]",
            "a\\ ",
            "?",
            "*.lo[f-h]",
            "[",
            "[]a]",
            "\\a",
            "\\",
            "a\\",
            "***",
            "a/***/b",
            "a**b",
            "**a",
            "/**/",
            "//",
            "a//b",
            "[a-",
            "[/]",
            "a[/]b",
            "x?log",
            "[^.]*",
            "[[:nope:]]",
            "[b-a]",
            "[\\a]",
        ]
    ),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "!", "/", "!/"]),
        st.sampled_from(["", "", "**/", "*/", "a/", "a/**/", "**/a/"]),
        names,
        st.sampled_from(["", "", "/", "/*", "/**"]),
    ),
)
ignore_files = st.dictionaries(
    st.sampled_from(["", "a/", "b/", "a/b/", "build/"]),
    st.lists(patterns, max_size=5),
    min_size=1,
    max_size=3,
)


@needs_git
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=st.lists(paths, min_size=1, max_size=12), ignored=ignore_files)
@example(files=["a/x.log", "a/b/x.log", "x.log"], ignored={"": ["*.log"], "a/": ["!x.log"]})
@example(files=["é", "aé"], ignored={"": ["?", "a??"]})
@example(files=["build/a", "build/b/a"], ignored={"": ["/*", "!/build/"], "build/": ["b"]})
@example(files=["a/a", "a/b"], ignored={"": ["*", "!*/"], "a/": ["!/*"]})
@example(files=["a/x.log", "a/b/x.log", "b"], ignored={"": ["*", "!*/", "!*.log"]})
@example(files=["build/keep/a", "build/a"], ignored={"": ["build", "!build/keep"]})
@example(files=["a/a"], ignored={"": ["*", "!a/*"]})
def test_the_same_files_as_git(files: list[str], ignored: dict[str, list[str]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for path in files:
            try:
                make(folder, {path: "x"})
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                continue
        for base, lines in ignored.items():
            try:
                make(folder, {f"{base}.gitignore": "\n".join(lines) + "\n"})
            except (FileExistsError, NotADirectoryError):
                continue
        wanted = seen_by_git(folder)
        assert captured(folder) == wanted
        assert captured(folder) == wanted, "verdicts that came from the index differ"


def test_what_is_never_captured(tmp_path: Path) -> None:
    make(tmp_path, {f"{base}{name}/x": "x" for name in ALWAYS for base in ("", "deep/")})
    make(
        tmp_path, {"submodule/.git": "gitdir: elsewhere", "a.py": "", ".gitignore": "!.git\n!__pycache__/\n"}
    )
    assert captured(tmp_path) == {"a.py", ".gitignore"}


def test_amlignore_takes_the_place_of_gitignore_in_its_folder_and_below(tmp_path: Path) -> None:
    make(tmp_path, {".gitignore": "*.bin\n*.txt\n", ".amlignore": "*.txt\n"})
    make(tmp_path, {"a.bin": "", "a.txt": "", "data/.gitignore": "*\n", "data/b.bin": ""})
    assert captured(tmp_path) == {".gitignore", ".amlignore", "a.bin", "data/.gitignore", "data/b.bin"}


def test_a_nested_amlignore_counts_from_there(tmp_path: Path) -> None:
    make(tmp_path, {".gitignore": "*.bin\n", "a.bin": "", "deep/.amlignore": "*.txt\n"})
    make(tmp_path, {"deep/a.bin": "", "deep/a.txt": "", "b.txt": ""})
    assert captured(tmp_path) == {".gitignore", "deep/.amlignore", "deep/a.bin", "b.txt"}


def test_windows_line_ends_a_byte_order_mark_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    make(tmp_path, {"a.log": "", "b.tmp": "", "c": ""})
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbf*.log\r\n\xff\xfe\r\n*.tmp\r\n")
    assert captured(tmp_path) == {".gitignore", "c"}


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_an_ignore_file_that_is_no_file_is_not_read(tmp_path: Path, kind: str) -> None:
    make(tmp_path, {"a.log": "", "rules": "*.log\n"})
    place = tmp_path / ".gitignore"
    {"fifo": os.mkfifo, "link": lambda path: path.symlink_to("rules"), "folder": Path.mkdir}[kind](place)
    assert "a.log" in captured(tmp_path)
