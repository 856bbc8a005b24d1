"""Who waits is told within five seconds that the server is silent, or that its disk is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faena import Workspace
from faena.kernel import disk_space, unresponsive
from faena.kernel.discovery import Rendezvous
from faena.kernel.unresponsive import RemoteSilence, Silence
from faena.testing.kills import processes
from faena.testing.waiting import until


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unresponsive, "_LOOK", 0.02)
    monkeypatch.setattr(unresponsive, "_SILENT", 0.2)
    monkeypatch.setattr(unresponsive, "_SILENT_ELSEWHERE", 0.2)
    monkeypatch.setattr(unresponsive, "_STARTING", 0.0)


@pytest.fixture
def rendezvous(tmp_path: Path) -> Rendezvous:
    return Rendezvous(tmp_path)


@pytest.mark.usefixtures("quick")
def test_silence_is_told_once_and_its_end_too(rendezvous: Rendezvous) -> None:
    told: list[str] = []
    watched = Silence(lambda: rendezvous, told.append)
    with watched.waiting():
        until(lambda: told, "it is told")
        watched.heard()
        assert [f"The server of {rendezvous.folder} has not answered" in told[0], told[1]] == [
            True,
            "The server answers again.",
        ]
        until(lambda: len(told) == 3, "silence again is told again")


@pytest.mark.usefixtures("quick")
def test_of_a_server_elsewhere_too() -> None:
    told: list[str] = []
    watched = RemoteSilence("The server at https://faena.example.org", told.append)
    with watched.waiting():
        until(lambda: told, "it is told")
    assert "The server at https://faena.example.org has not answered for" in told[0]
    assert told[1:] == ["The server answers again."]


@pytest.mark.usefixtures("quick")
def test_nothing_is_told_while_words_come_or_nobody_waits(rendezvous: Rendezvous) -> None:
    told: list[str] = []
    watched = Silence(lambda: rendezvous, told.append)
    begun = last = time.monotonic()
    longest = 0.0
    with watched.waiting():
        while (now := time.monotonic()) - begun < 0.6:
            watched.heard()
            longest, last = max(longest, now - last), now
    longest = max(longest, time.monotonic() - last)
    until(lambda: time.monotonic() - begun > 1.2, "time has passed")
    assert told == [] or longest >= 0.2, "others may have had the cores for so long that there was silence"


@pytest.mark.usefixtures("quick")
def test_an_answer_that_was_to_be_held_back_is_no_silence(rendezvous: Rendezvous) -> None:
    told: list[str] = []
    begun = time.monotonic()
    with Silence(lambda: rendezvous, told.append).waiting(held=0.7):
        until(lambda: told, "it is told")
    assert time.monotonic() - begun >= 0.9


@pytest.mark.usefixtures("quick")
def test_a_busy_server_is_to_be_killed_only_when_it_was_silent_for_long(
    rendezvous: Rendezvous, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unresponsive, "_LONG", 3.0)
    monkeypatch.setattr(unresponsive, "listener", lambda _: os.getpid())
    told: list[str] = []
    with Silence(lambda: rendezvous, told.append).waiting():
        until(lambda: len(told) == 2, "it is told twice")
    assert f"its process {os.getpid()} is busy. Its log is " in told[0]
    assert "kill" not in told[0]
    assert f"`kill -9 {os.getpid()}` ends it" in told[1]


@pytest.mark.usefixtures("quick")
def test_what_is_known_already_is_not_told_again(
    rendezvous: Rendezvous, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unresponsive, "_LONG", 0.4)
    monkeypatch.setattr(unresponsive, "listener", lambda _: os.getpid())
    monkeypatch.setattr(unresponsive, "_is_stopped", lambda _: True)
    told: list[str] = []
    watched = Silence(lambda: rendezvous, told.append)
    with watched.waiting():
        until(lambda: watched._told_last, "it was silent for long")
    assert ["kill -CONT" in each for each in told[:1]] == [True]
    assert len([each for each in told if "has not answered" in each]) == 1


@pytest.mark.usefixtures("quick")
def test_a_full_disk_is_told_and_that_it_has_room_again(
    rendezvous: Rendezvous, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(disk_space, "free", lambda _: 4096)
    watched = Silence(lambda: rendezvous, told.append)
    with watched.waiting():
        until(lambda: any("is full. 0.0 MB are free" in text for text in told), "the disk is told")
        monkeypatch.setattr(disk_space, "free", lambda _: 10**9)
        until(lambda: any("has room again" in text for text in told), "so is its room")
    assert any("`faena env prune --all`" in text for text in told)


@pytest.mark.long
def test_a_server_that_is_stopped_is_named_by_the_command_that_waits(
    own_workspace: Workspace, tmp_path: Path
) -> None:
    own_workspace.write_config(tmp_path)
    own_workspace.api.version()
    server = processes.server_of(own_workspace.files.path)
    assert server is not None
    os.kill(server, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        command = [sys.executable, "-m", "faena.cli", "runs"]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            line = waiting.stderr.readline()
            assert f"its process {server} is stopped. `kill -CONT {server}` has it go on" in line
            assert time.monotonic() - begun < 50, "five seconds, and the command's start on a busy machine"
            os.kill(server, signal.SIGCONT)
            assert "The server answers again" in waiting.stderr.readline()
            assert waiting.wait(120) == 0
    finally:
        os.kill(server, signal.SIGCONT)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("server.log", "Its log is {folder}/server.log"),
        ("elsewhere.log", "Its log is {folder}/elsewhere.log"),
        ("/dev/null", "Its log is where `faena server run` was started"),
    ],
)
def test_the_log_that_is_told_of_is_the_one_that_is_written(
    rendezvous: Rendezvous, where: str, said: str
) -> None:
    (rendezvous.folder / "server.log").write_text("of a server before this one")
    with (rendezvous.folder / where).open("ab") as log:
        process = subprocess.Popen(["sleep", "60"], stderr=log)
    try:
        told = unresponsive.log_of(rendezvous, process.pid)
    finally:
        process.kill()
        process.wait()
    assert told == said.format(folder=rendezvous.folder.resolve())
    assert unresponsive.log_of(rendezvous, None) == f"Its log is {rendezvous.log}"
