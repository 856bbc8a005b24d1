"""The git state of a capture, with real repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from faena.data import git
from faena.data.git import inspect, without_credentials
from faena.data.snapshots import capture
from faena.kernel import digests

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def own_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def run(folder: Path, *command: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *who, *command], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    run(folder, "init", "-q")
    (folder / "train.py").write_text("print(1)\n")
    (folder / "data.bin").write_bytes(bytes(range(256)))
    run(folder, "add", "-A")
    run(folder, "commit", "-qm", "first")
    return folder


def test_a_clean_one(repository: Path) -> None:
    run(repository, "remote", "add", "upstream", "https://example.org/b.git")
    run(repository, "remote", "add", "origin", "https://user:token@example.org/a.git?key=1")
    report = inspect(repository)
    assert report.diff is None
    assert report.warning is None
    assert report.state is not None
    assert report.state.commit == run(repository, "rev-parse", "HEAD")
    assert (report.state.branch, report.state.dirty) == ("main", False)
    assert report.state.remote == "https://example.org/a.git"
    assert report.state.diff_digest is None


def test_a_dirty_ones_diff_makes_its_content_again(repository: Path, tmp_path: Path) -> None:
    (repository / "train.py").write_text("print(2)\n")
    (repository / "data.bin").write_bytes(bytes(range(255, -1, -1)))
    run(repository, "add", "train.py")
    captured = capture(repository, index=tmp_path / "index")
    state = captured.snapshot.git
    assert state is not None
    assert captured.diff is not None
    assert (state.dirty, state.diff_truncated) == (True, False)
    assert state.diff_digest == digests.of_bytes(captured.diff)
    run(tmp_path, "clone", "-q", str(repository), "clone")
    (tmp_path / "patch").write_bytes(captured.diff)
    run(tmp_path / "clone", "apply", str(tmp_path / "patch"))
    again = capture(tmp_path / "clone", index=tmp_path / "index")
    assert again.snapshot.digest == captured.snapshot.digest


def test_a_new_file_is_dirt_without_a_diff(repository: Path) -> None:
    (repository / "new.py").touch()
    report = inspect(repository)
    assert report.state is not None
    assert (report.state.dirty, report.state.diff_digest, report.diff) == (True, None, None)


def test_a_folder_inside_one_tells_of_itself_only(repository: Path) -> None:
    inside = repository / "inside"
    inside.mkdir()
    (repository / "train.py").write_text("print(2)\n")
    state = inspect(inside).state
    assert state is not None
    assert not state.dirty


def test_a_detached_head_and_one_without_commits(repository: Path, tmp_path: Path) -> None:
    run(repository, "checkout", "-q", "--detach")
    state = inspect(repository).state
    assert state is not None
    assert state.branch is None
    empty = tmp_path / "empty"
    empty.mkdir()
    run(empty, "init", "-q")
    (empty / "a").touch()
    run(empty, "add", "a")
    report = inspect(empty)
    assert report.state is not None
    assert (report.state.commit, report.state.branch, report.state.dirty) == (None, "main", True)
    assert report.diff is None


def test_a_huge_diff_is_cut_and_says_so(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "DIFF_LIMIT", 1000)
    (repository / "train.py").write_text("print(2)\n" * 100_000)
    report = inspect(repository)
    assert report.state is not None
    assert report.diff is not None
    assert (len(report.diff), report.state.diff_truncated) == (1000, True)
    assert report.state.diff_digest == digests.of_bytes(report.diff)


def test_no_repository_a_broken_one_and_no_git(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    assert inspect(plain) == git.GitReport()
    (plain / ".git").mkdir()
    assert inspect(plain) == git.GitReport()
    (repository / ".git" / "config").write_text("[broken")
    report = inspect(repository)
    assert report.state is None
    assert "git status: fatal: bad config" in (report.warning or "")
    monkeypatch.setenv("PATH", str(plain))
    assert inspect(repository) == git.GitReport()


def test_one_that_hangs_is_left(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(git, "TIMEOUT_SECONDS", 0.3)
    report = inspect(repository)
    assert report.state is None
    assert "took longer than" in (report.warning or "")


def test_the_repositorys_own_commands_are_not_run(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    for key in ("core.fsmonitor", "diff.external", "core.pager", "core.askPass"):
        run(repository, "config", key, f"touch {trap}; true")
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "post-index-change").write_text(f"#!/bin/sh\ntouch {trap}\n")
    (hooks / "post-index-change").chmod(0o755)
    (repository / "train.py").write_text("print(2)\n")
    assert inspect(repository).diff is not None
    assert not trap.exists()


def test_variables_of_a_surrounding_git_do_not_mislead(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    run(other, "init", "-q")
    wanted = inspect(repository)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    assert inspect(repository) == wanted


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://example.org/a.git", "https://example.org/a.git"),
        ("https://token@example.org/a.git", "https://example.org/a.git"),
        ("https://user:p%40ss@example.org:8443/a.git?x=y#z", "https://example.org:8443/a.git"),
        ("https://us@er:pw@example.org/a", "https://example.org/a"),
        ("ssh://git:pw@example.org/a.git", "ssh://git@example.org/a.git"),
        ("git@example.org:a.git", "git@example.org:a.git"),
        ("/srv/a.git", "/srv/a.git"),
        ("https://[bad", None),
    ],
)
def test_credentials_in_an_address(given: str, kept: str | None) -> None:
    assert without_credentials(given) == kept
