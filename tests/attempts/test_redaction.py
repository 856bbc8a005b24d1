"""Values of secrets do not leave the node with a script's log, however it is cut into pieces."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.attempts.folder import AttemptFolder
from faena.attempts.follow import Follower
from faena.attempts.key import AttemptKey
from faena.attempts.redaction import Redaction
from faena.node.secrets import hide_again

VALUE = "correct-horse"


@pytest.fixture
def redaction(tmp_path: Path) -> Redaction:
    made = Redaction(lambda: tmp_path)
    made.learn({"DB": VALUE, "PIN": "1234567", "NONE": None})
    return made


def test_a_log_keeps_its_length(redaction: Redaction) -> None:
    data = f"a {VALUE} b {VALUE}{VALUE} 1234567".encode()
    stars = "*" * len(VALUE)
    assert redaction.hidden(data, is_all=True).decode() == f"a {stars} b {stars}{stars} 1234567"
    assert redaction.text(f"{VALUE}!") == f"{stars}!"


@pytest.mark.parametrize(
    ("written", "sent"), [("a correct-", "a "), ("a correct-horsf", "a correct-horsf"), ("a c", "a ")]
)
def test_what_may_begin_a_value_waits(redaction: Redaction, written: str, sent: str) -> None:
    assert redaction.hidden(written.encode(), is_all=False).decode() == sent
    assert redaction.hidden(written.encode(), is_all=True).decode() == written


letters = st.text("ab", min_size=8, max_size=12)


@pytest.mark.long
@given(st.sets(letters, min_size=1, max_size=3), st.data())
def test_no_piece_shows_a_value(values: set[str], data: st.DataObject) -> None:
    """The letters are two, so that values overlap with themselves and each other."""
    redaction = Redaction(lambda: Path("/nonexistent"))
    redaction.learn({f"S{place}": value for place, value in enumerate(values)})
    parts = data.draw(st.lists(st.one_of(st.sampled_from(sorted(values)), st.text("abc", max_size=8))))
    whole = "".join(parts).encode()
    sent, until = b"", 0
    while len(sent) < len(whole):
        until = data.draw(st.integers(until, len(whole))) if until < len(whole) else until
        until = max(until, min(len(whole), len(sent) + 1))
        piece = redaction.hidden(whole[len(sent) : until], is_all=until == len(whole))
        sent += piece
    assert len(sent) == len(whole)
    assert not any(value.encode() in sent for value in values)
    assert all(shown in (ord("*"), was) for shown, was in zip(sent, whole, strict=True))


def test_a_value_without_end_costs_linear_time(redaction: Redaction) -> None:
    redaction.learn({"LONG": "a" * 25_000})
    data = b"a" * 24_999 + b"b" + b"a" * 24_999
    assert len(redaction.hidden(data * 40, is_all=False)) == len(data) * 40 - 24_999


def test_the_log_is_held_back_until_nobody_writes_any_more(redaction: Redaction, tmp_path: Path) -> None:
    folder = AttemptFolder(tmp_path)
    folder.driver_log.write_text(f"{VALUE} corr")
    follower = Follower(folder, rank=0, node_count=1, redaction=redaction)
    (part,) = follower.segments(1 << 20)
    assert part.data.decode() == "*" * len(VALUE) + " "
    follower.acknowledge(part.stream, len(part.data))
    assert follower.segments(1 << 20) == []
    follower.ends()
    assert [part.data for part in follower.segments(1 << 20)] == [b"corr"]


def test_an_adopter_hides_what_its_runner_hid_and_tells_what_it_cannot(
    redaction: Redaction, tmp_path: Path
) -> None:
    redaction.learn({"TOKEN": "another-value"})
    key = AttemptKey("run_1", 1, 0)
    again = Redaction(lambda: tmp_path)
    answers: list[Any] = [{"DB": VALUE, "TOKEN": None}]
    api: Any = SimpleNamespace(ask=lambda verb, run, asked: answers[0])
    (note,) = hide_again(again, api, key)
    assert note["code"] == "secrets_not_hidden" and "TOKEN was deleted meanwhile." in note["message"]
    assert again.text(VALUE) == "*" * len(VALUE)
    (tmp_path / "secrets.json").write_text("{")
    (note,) = hide_again(Redaction(lambda: tmp_path), api, key)
    assert "cannot be read" in note["message"]
    assert hide_again(Redaction(lambda: tmp_path / "none"), api, key) == []


def test_whoever_takes_over_learns_which_there_were(redaction: Redaction, tmp_path: Path) -> None:
    assert Redaction(lambda: tmp_path).names() == ["DB"]
    assert VALUE.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert Redaction(lambda: tmp_path / "none").names() == []
