"""What is shown of a run that is followed."""

from __future__ import annotations

import pytest

from faena.client.runs.show import Follower
from faena.runs.schemas import LogEvent

BUILD = "azureml-logs/20_image_build_log.txt"


def rank(number: int) -> str:
    return f"azureml-logs/70_driver_log_{number}.txt"


def test_each_of_several_nodes_is_followed_under_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    follower = Follower("run", None)
    for name, text in [(BUILD, "built"), (rank(0), "a"), (rank(1), "X"), (rank(1), "Y"), (rank(0), "b")]:
        follower.log(LogEvent(name, 0, f"{text}\n"))
    shown = capsys.readouterr().out
    assert "built" in shown
    assert f"a\n\n==> {rank(1)} <==\nX\nY\n\n==> {rank(0)} <==\nb\n" in shown


def test_one_of_several_nodes_is_followed(capsys: pytest.CaptureFixture[str]) -> None:
    follower = Follower("run", 1)
    for name, text in [(BUILD, "built"), (rank(0), "a"), (rank(1), "X"), (rank(0), "b"), (rank(1), "Y")]:
        follower.log(LogEvent(name, 0, f"{text}\n"))
    shown = capsys.readouterr().out
    assert "built" in shown
    assert "X\nY\n" in shown
    assert "\na\n" not in shown


def test_of_several_nodes_the_first_one_is_followed(capsys: pytest.CaptureFixture[str]) -> None:
    follower = Follower("run")
    for name, text in [(BUILD, "built"), (rank(0), "a"), (rank(1), "X"), (rank(10), "X"), (rank(0), "b")]:
        follower.log(LogEvent(name, 0, f"{text}\n"))
    shown = capsys.readouterr().out
    assert "built" in shown
    assert "\na\n[other ranks log, too: faena logs run --rank 1]\nb\n" in shown
    assert "X" not in shown


def test_each_attempt_is_followed_from_its_beginning_under_its_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    follower = Follower("run")
    for attempt, text in [(1, "a"), (1, "b"), (2, "a"), (2, "c")]:
        follower.log(LogEvent(rank(0), 0, f"{text}\n", attempt))
    assert f"a\nb\n\n==> {rank(0)}, attempt 2 <==\na\nc\n" in capsys.readouterr().out
