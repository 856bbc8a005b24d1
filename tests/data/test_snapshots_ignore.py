"""Ignore files, beside what git itself says about the same tree."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faena.data.ignore import ALWAYS
from faena.data.snapshots import capture
from faena.kernel.errors import SnapshotException
from tests.examples import examples

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


@pytest.mark.long
@needs_git
@settings(max_examples=examples(20))
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


SPELLINGS = ("data", "data/", "/data", "/data/", "data/*", "data/**")


class TestLinks:
    """To the rules a link to a folder is a folder, which it is not to git."""

    @pytest.mark.few(4)
    @pytest.mark.parametrize("spelling", SPELLINGS)
    @pytest.mark.parametrize("name", [".amlignore", ".gitignore"])
    def test_every_spelling_leaves_out_a_folder_elsewhere(
        self, tmp_path: Path, name: str, spelling: str
    ) -> None:
        source, elsewhere = tmp_path / "source", tmp_path / "elsewhere"
        make(tmp_path, {"source/a.py": "", "elsewhere/deep/x": "", "elsewhere/y.csv": ""})
        (source / "data").symlink_to(elsewhere)
        with pytest.raises(SnapshotException, match="'data' leads out"):
            capture(source, index=tmp_path / "index")
        make(source, {name: f"{spelling}\n"})
        for _ in range(2):  # by the rules, then by what the index knows of them
            assert captured(source) == {"a.py", name}

    @pytest.mark.few(12)
    @pytest.mark.parametrize("spelling", SPELLINGS)
    @pytest.mark.parametrize("target", ["../gone", "..", "data", "inside", "../closed", "../empty"])
    def test_wherever_it_leads(self, tmp_path: Path, target: str, spelling: str) -> None:
        source = tmp_path / "source"
        make(source, {"a.py": "", "inside/x": "", ".gitignore": f"{spelling}\n"})
        (tmp_path / "closed").mkdir(mode=0)
        (tmp_path / "empty").mkdir()
        (source / "data").symlink_to(target)
        assert captured(source) == {"a.py", "inside/x", ".gitignore"}

    @pytest.mark.parametrize("lines", ["data/*.csv", "data/*\n!data/deep", "other/", "*.data", "data/deep"])
    def test_a_link_of_which_something_would_be_left_is_refused(self, tmp_path: Path, lines: str) -> None:
        make(tmp_path, {"source/a.py": "", "elsewhere/deep/x": "", "elsewhere/y.csv": ""})
        make(tmp_path, {"source/.gitignore": lines})
        (tmp_path / "source" / "data").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(SnapshotException, match="'data' leads out"):
            capture(tmp_path / "source", index=tmp_path / "index")

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        make(tmp_path, {"source/a.py": "", "elsewhere.csv": "", "source/.gitignore": "data/\ndata/*\n"})
        (tmp_path / "source" / "data").symlink_to(tmp_path / "elsewhere.csv")
        with pytest.raises(SnapshotException, match="'data' leads out"):
            capture(tmp_path / "source", index=tmp_path / "index")


class TestAdvice:
    """What an error says to do leaves out what it names, and sends nothing that was left out before."""

    @pytest.mark.few(8)
    @pytest.mark.parametrize(
        "before", [None, ".gitignore", ".amlignore", "deep/.amlignore", "deep/.gitignore"]
    )
    @pytest.mark.parametrize("name", ["data", "a[b]*? é", "#data", "!data", "data x"])
    def test_it_names_the_file_in_force(self, tmp_path: Path, before: str | None, name: str) -> None:
        source = tmp_path / "source"
        make(source, {"a.py": "", "x.log": "", "deep/x.log": "", "deep/b.py": ""})
        if before:
            make(source, {before: "*.log\n"})
        kept = captured(source)
        (source / "deep" / name).symlink_to(tmp_path)
        with pytest.raises(SnapshotException) as error:
            capture(source, index=tmp_path / "index")
        found = re.search(r"add the line '(.*)' to (\S+)\.$", error.value.message)
        assert found, error.value.message
        line, file = found.groups()
        with (source / file).open("a") as ignored:
            ignored.write(f"{line}\n")
        assert captured(source) == kept | {file}

    def test_where_parents_are_in_force_nothing_of_theirs_is_dropped(self, tmp_path: Path) -> None:
        make(tmp_path, {".git/HEAD": "", ".gitignore": "*.log\n", "source/a.py": "", "source/x.log": ""})
        (tmp_path / "source" / "data").symlink_to("/etc")
        with pytest.raises(SnapshotException, match=r"add the line '/data' to \.gitignore\.$"):
            capture(tmp_path / "source", index=tmp_path / "index")

    def test_a_file_of_secrets_is_named_with_it(self, tmp_path: Path) -> None:
        make(tmp_path, {".env": "", "a.py": "", ".amlignore": "x"})
        (warning,) = capture(tmp_path, index=tmp_path / ".faena" / "index").warnings
        assert warning.endswith("add the line '/.env' to .amlignore.")


class TestParents:
    """`.gitignore` files between the repository's root and the source folder."""

    def test_they_count_as_in_git(self, tmp_path: Path) -> None:
        make(tmp_path, {".git/HEAD": "", ".gitignore": "*.log\n/project/src/raw\n*.tmp\n/raw2\n"})
        make(tmp_path, {"project/.gitignore": "!keep.log\nsrc/cache/\n/cache\n"})
        source = tmp_path / "project" / "src"
        make(source, {"a.py": "", "x.log": "", "keep.log": "", "raw/x": "", "raw2": "", "cache/x": ""})
        make(source, {"deep/cache/x": "", "deep/.gitignore": "!*.tmp\n", "deep/x.tmp": "", "x.tmp": ""})
        for _ in range(2):
            assert captured(source) == {
                "a.py",
                "keep.log",
                "raw2",
                "deep/.gitignore",
                "deep/cache/x",
                "deep/x.tmp",
            }

    def test_those_outside_the_repository_do_not(self, tmp_path: Path) -> None:
        make(tmp_path, {".gitignore": "*.log\n", "repository/.git/HEAD": "", "none/x.log": ""})
        make(tmp_path, {"repository/x.log": "", "repository/source/x.log": ""})
        for source in ("none", "repository", "repository/source"):
            assert "x.log" in captured(tmp_path / source)

    def test_a_source_folder_that_git_leaves_out_is_captured_by_its_own_rules(self, tmp_path: Path) -> None:
        make(tmp_path, {".git/HEAD": "", ".gitignore": "/experiments/\n*.log\n"})
        make(tmp_path, {"experiments/first/a.py": "", "experiments/first/x.log": ""})
        assert captured(tmp_path / "experiments" / "first") == {"a.py", "x.log"}

    def test_an_amlignore_takes_their_place(self, tmp_path: Path) -> None:
        make(tmp_path, {".git/HEAD": "", ".gitignore": "*.bin\n", "source/.amlignore": "*.txt\n"})
        make(tmp_path, {"source/a.bin": "", "source/a.txt": ""})
        assert captured(tmp_path / "source") == {".amlignore", "a.bin"}

    def test_a_changed_one_changes_the_verdicts(self, tmp_path: Path) -> None:
        make(tmp_path, {".git/HEAD": "", ".gitignore": "*.log\n", "source/a.py": "", "source/x.log": ""})
        assert captured(tmp_path / "source") == {"a.py"}
        make(tmp_path, {".gitignore": "*.tmp\n"})
        assert captured(tmp_path / "source") == {"a.py", "x.log"}

    @pytest.mark.long
    @needs_git
    @settings(max_examples=examples(10))
    @given(files=st.lists(paths, min_size=1, max_size=12), ignored=ignore_files)
    @example(files=["a/x.log", "a/b/x.log"], ignored={"": ["/a/x.log", "x.log"], "a/": ["!x.log"]})
    def test_the_same_files_as_git(self, files: list[str], ignored: dict[str, list[str]]) -> None:
        with tempfile.TemporaryDirectory() as place:
            top = Path(place)
            for path in files:
                with contextlib.suppress(OSError):
                    make(top, {path: "x"})
            for base, lines in ignored.items():
                with contextlib.suppress(OSError):
                    make(top, {f"{base}.gitignore": "\n".join(lines) + "\n"})
            seen = {path.removeprefix("a/") for path in seen_by_git(top) if path.startswith("a/")}
            if seen:  # git leaves out all of a folder that it leaves out
                make(top, {".git/HEAD": ""})
                assert captured(top / "a") == seen


def test_environments_of_python_are_left_out_where_they_lie_and_where_a_link_leads_to(tmp_path: Path) -> None:
    source = tmp_path / "source"
    make(source, {"a.py": "", "env/conda-meta/history": "", "env/lib/x.py": "", "venv/pyvenv.cfg": ""})
    make(tmp_path, {"miniconda/conda-meta/history": "", "miniconda/lib/x.py": "", "v/pyvenv.cfg": ""})
    (source / "linked").symlink_to(tmp_path / "miniconda")
    (source / "v").symlink_to(tmp_path / "v")
    found = capture(source, index=tmp_path / "index")
    assert [file.path for file in found.snapshot.files] == ["a.py"]
    assert sorted(found.warnings) == [
        "env/ is a conda environment and is left out; runs get their own.",
        "linked is a link to a conda environment and is left out; runs get their own.",
        "v is a link to a virtual environment and is left out; runs get their own.",
        "venv/ is a virtual environment and is left out; runs get their own.",
    ]


def test_what_faena_and_node_made_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "source"
    export = json.dumps({"format": "faena.run", "version": 1}, indent=1)
    make(
        source,
        {
            "a.py": "",
            "azureml-models/m/1/model.pkl": "",
            "deep/backup/.faena-backup": "id\n",
            "deep/backup/faena.db": "",
            "deep/node_modules/x/index.js": "",
            "exported/manifest.json": export,
            "exported/run.json": "{}",
            "exported/code/a.py": "",
            "mine/manifest.json": '{"name": "mine"}',
            "mine/run.json": "{}",
        },
    )
    make(tmp_path, {"away/.faena-backup": "id\n"})
    (source / "linked").symlink_to(tmp_path / "away")
    found = capture(source, index=tmp_path / "index")
    assert [file.path for file in found.snapshot.files] == ["a.py", "mine/manifest.json", "mine/run.json"]
    assert sorted(found.warnings) == [
        "azureml-models/ holds models that were brought from a workspace and is left out; runs get them by "
        "Model.get_model_path.",
        "deep/backup/ is a backup of a workspace and is left out.",
        "deep/node_modules/ holds packages of Node.js and is left out.",
        "exported/ is an exported run and is left out.",
        "linked is a link to a backup of a workspace and is left out.",
    ]
    inside = capture(source / "exported" / "code", index=tmp_path / "other")
    assert [file.path for file in inside.snapshot.files] == ["a.py"], "what is asked for by name is taken"
