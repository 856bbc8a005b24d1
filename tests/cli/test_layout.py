"""How tables look at a width, without a terminal to look at them."""

from __future__ import annotations

import os
import sys

import pytest

from faena.cli import layout
from faena.cli.layout import Cell, Column, print_as_is, print_facts, print_prose, print_table, width_of
from faena.kernel.plural import counted

ID = "an-experiment-of-some-length_1764378828_ab12cd34"


def test_numbers_stand_with_their_nouns() -> None:
    said = [counted(number, "byte") for number in (0, 1, 2, 2000, 0.5, 1.0)]
    assert said == ["0 bytes", "1 byte", "2 bytes", "2,000 bytes", "0.5 bytes", "1 byte"]
    assert counted(2, "index", several="indices") == "2 indices"


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int | None:
    monkeypatch.setattr(layout, "terminal_width", lambda: request.param)
    found: int | None = request.param
    return found


def _lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", [None, 200], indirect=True)
def test_columns_stand_below_their_titles(width: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(
        ["Run", Column("Size", right=True), "End"], [[ID, "7", "x"], ["日本", "1,234", Cell("", "red")]]
    )
    assert _lines(capsys) == [
        f"{'Run':<48}   Size  End",
        f"{ID}      7  x",
        f"日本{' ' * 44}  1,234",
    ]


@pytest.mark.parametrize("width", [60], indirect=True)
def test_prose_is_broken_between_words_where_it_must(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_table([Column("What", prose=True), "Run"], [["one two three four five six seven eight", "r1"]])
    assert max(map(len, _lines(capsys))) <= 60
    print_table([Column("What", prose=True), "Run"], [["words " * 9, ID[:30]]])
    lines = _lines(capsys)
    assert len(lines) > 2 and max(map(len, lines)) <= 60 and ID[:30] in lines[1]


@pytest.mark.parametrize("width", [20], indirect=True)
def test_what_does_not_fit_stands_below_itself_whole(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["Run", "Status", "Seconds", "Empty"], [[ID, "Completed", "12.3", ""]])
    assert _lines(capsys) == [ID, "  Status Completed", "  Seconds 12.3"]
    print_facts({"Path": f"/{ID}/{ID} and more words behind it", "Nothing": ""})
    lines = _lines(capsys)
    assert lines[0] == f"Path  /{ID}/{ID}" and lines[1].startswith("      and")
    print_prose(f"See {ID}/x-y-z for what it says.")
    assert f"{ID}/x-y-z" in _lines(capsys)


@pytest.mark.parametrize("width", [50], indirect=True)
def test_a_first_column_that_does_not_fit_stands_above_the_others(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    columns: list[str | Column] = ["Node", "State", Column("Cores", right=True), Column("Labels", prose=True)]
    print_table(columns, [[ID, "running", "16", "rack=3 " * 7], ["shed", "idle", "2", ""]])
    assert _lines(capsys) == [
        "Node",
        "  State    Cores",
        ID,
        "  running     16",
        "  Labels  rack=3 rack=3 rack=3 rack=3 rack=3",
        "          rack=3 rack=3",
        "shed",
        "  idle         2",
    ]


@pytest.mark.parametrize("width", [None], indirect=True)
def test_nothing_is_broken_where_there_is_no_terminal(
    width: None, capsys: pytest.CaptureFixture[str]
) -> None:
    print_prose("words " * 100)
    print_facts({"Command": "words " * 100})
    print_table([Column("What", prose=True)], [["words " * 100]])
    assert len(_lines(capsys)) == 4
    print_table(["Run"], [], empty="None.")
    assert _lines(capsys) == ["None."]


@pytest.mark.parametrize("width", [None, 80], indirect=True)
def test_what_a_terminal_would_obey_is_shown_instead(
    width: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table(["A"], [["\x1b[2Jx\ny\tz\x9b"]])
    assert _lines(capsys)[1] == "\ufffd[2Jx y z\ufffd"
    print_table(["\u202eloss"], [["1"]])
    print_facts({"\u202eloss": "\x1b"})
    assert _lines(capsys) == ["\ufffdloss", "1", "\ufffdloss  \ufffd"]
    print_as_is("a\n\t\u202eb")
    assert _lines(capsys) == ["a", "\t\u202eb" if width is None else "\t\ufffdb"]


def test_widths_are_those_of_a_terminal() -> None:
    assert [width_of(text) for text in ("", "abc", "é", "e\u0301", "日本", "✓")] == [0, 3, 1, 1, 4, 1]


def test_an_error_is_broken_between_words_and_what_is_to_be_typed_is_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = (
        "NotFound: There is no such thing here. `faena models --name something` lists those that there are."
    )
    layout.print_error(said)
    assert capsys.readouterr().err == f"{said}\n"
    monkeypatch.setattr(sys.stderr, "fileno", lambda: 2, raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((40, 24)))
    layout.print_error(said)
    lines = capsys.readouterr().err.splitlines()
    assert " ".join(lines) == said and max(map(len, lines)) <= 40
    assert any("`faena models --name something`" in line for line in lines)
