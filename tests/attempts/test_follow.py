"""Which bytes of a script's logs are sent while it runs: what it wrote in its folder, and nothing behind a link out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from faena.attempts.folder import AttemptFolder
from faena.attempts.follow import Follower

SECRET = "root:x:0:0\n" * 10


@pytest.fixture
def folder(tmp_path: Path) -> AttemptFolder:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/train.log").write_text(SECRET)
    made = AttemptFolder(tmp_path / "attempt")
    (made.code / "logs/deep").mkdir(parents=True)
    (made.code / "logs/train.log").write_text("one\n")
    (made.code / "logs/deep/train.log").write_text("two\n")
    return made


def sent(follower: Follower) -> dict[str, str]:
    """What is new, as a runner takes it."""
    follower.discover()
    found: dict[str, str] = {}
    for segment in follower.segments(1 << 20):
        found[segment.stream] = segment.data.decode()
        follower.acknowledge(segment.stream, segment.offset + len(segment.data))
    return found


FIRST = {"log/logs/train.log": "one\n", "log/logs/deep/train.log": "two\n"}


def test_a_link_in_the_place_of_a_log_is_not_followed(folder: AttemptFolder, tmp_path: Path) -> None:
    follower = Follower(folder, rank=0, node_count=1)
    assert sent(follower) == FIRST
    log = folder.code / "logs/train.log"
    log.unlink()
    log.symlink_to(tmp_path / "elsewhere/train.log")
    assert sent(follower) == {}
    assert follower.grown() == [], "nobody waits for it"
    log.unlink()
    log.write_text("one\nmore\n")
    assert sent(follower) == {"log/logs/train.log": "more\n"}


def test_a_pipe_in_the_place_of_a_log_is_not_opened(folder: AttemptFolder) -> None:
    follower = Follower(folder, rank=0, node_count=1)
    assert sent(follower) == FIRST
    log = folder.code / "logs/train.log"
    log.unlink()
    os.mkfifo(log)
    assert sent(follower) == {}, "to open it would wait for a writer"


def test_a_link_in_the_place_of_a_folder_is_not_followed(folder: AttemptFolder, tmp_path: Path) -> None:
    follower = Follower(folder, rank=0, node_count=1)
    assert sent(follower) == FIRST
    shutil.rmtree(folder.code / "logs/deep")
    (folder.code / "logs/deep").symlink_to(tmp_path / "elsewhere")
    assert sent(follower) == {}
    assert follower.grown() == []


def test_a_link_in_the_place_of_all_logs_is_followed_within_the_run_alone(
    folder: AttemptFolder, tmp_path: Path
) -> None:
    shutil.rmtree(folder.code / "logs")
    (folder.code / "logs").symlink_to(tmp_path / "elsewhere")
    assert sent(Follower(folder, rank=0, node_count=1)) == {}
    (folder.code / "logs").unlink()
    (folder.code / "outputs/log").mkdir(parents=True)
    (folder.code / "outputs/log/a.log").write_text("mine\n")
    (folder.code / "logs").symlink_to("outputs/log")
    assert sent(Follower(folder, rank=0, node_count=1)) == {"log/logs/a.log": "mine\n"}


def test_an_attempt_behind_a_link_is_followed(folder: AttemptFolder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder.path)
    assert sent(Follower(AttemptFolder(tmp_path / "link"), rank=0, node_count=1)) == FIRST
