"""A bar in a notebook's output: one display, which is replaced; nothing of short work, and nothing elsewhere."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from faena.client.data import datastore
from faena.client.html import progress
from faena.client.html.progress import Progress
from faena.client.runs.show import Bar
from faena.testing.waiting import until


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """(message, text, HTML) of what a kernel has displayed."""
    found: list[tuple[str, str, str]] = []

    def taken(kind: str) -> Any:
        return lambda bundle, **_: found.append((kind, bundle["text/plain"], bundle["text/html"]))

    display = SimpleNamespace(display=taken("display"), update_display=taken("update"))
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display))
    return found


def test_long_work_has_a_bar(shown: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PAUSE", 0.0)
    work = Progress("Uploading <b>", 4)
    work._next = 0.0
    work.at(1, "1 of 4")
    work.at(2, "2 of 4")
    work.end("4 files")
    assert [kind for kind, _, _ in shown] == ["display", "update", "update"]
    assert shown[0][2] == 'Uploading &lt;b&gt;: <progress value="1" max="4"></progress> 1 of 4'
    assert shown[-1][1:] == ("Uploading <b>: 4 files", "Uploading &lt;b&gt;: 4 files")


def test_short_work_has_none(shown: list[tuple[str, str, str]]) -> None:
    work = Progress("Uploading", 4)
    work.at(1, "1 of 4")
    work.end("4 files")
    assert shown == []


def test_long_work_that_says_nothing_has_one_and_what_fails_leaves_none(
    shown: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SHORT", 0.01)
    with pytest.raises(OSError, match="disk"), Progress("Uploading", 4):
        until(lambda: shown, "it is shown")
        raise OSError("disk")
    assert [text for _, text, _ in shown] == ["Uploading: ", "Uploading: failed"]
    assert ["<progress>" in html for _, _, html in shown] == [True, False]


def test_of_very_many_files_not_each_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    tell = datastore._teller(show_progress=True, files=20_001)
    for place in range(20_002):
        tell(place, f"file {place}")
    told = capsys.readouterr().out.splitlines()
    assert len(told) < 600
    assert (told[0], told[-1]) == ("file 0", "file 20001")


def test_there_is_none_without_a_notebook() -> None:
    assert Bar.of("mnist_1") is None
    assert not Progress("Uploading").is_possible
