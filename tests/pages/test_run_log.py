"""A log on its pages: colours that run nothing, parts that fit together, and what is looked for in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from faena.server.pages import colours
from faena.server.pages.console import Console, shown
from faena.tracking import ingest
from faena.tracking.model import StreamKey
from tests.pages import test_previews
from tests.pages.test_pages import EVIL, Document
from tests.server.house import Running, Visitor, running

NAME = "azureml-logs/70_driver_log.txt"
PAGE = f"/ui/runs/{test_previews.RUN}"
LINES = [f"\x1b[3{each % 8}mline {each}\x1b[0m of é many, at {each * 7919 % 10_007}" for each in range(9_000)]
LINES[4_000] = f"needle {EVIL}"
LINES[8_500] = "NEEDLE again"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with running(tmp_path_factory.mktemp("log")) as server:
        _fill(server)
        yield server.browser()


def _fill(server: Running) -> None:
    server.house.database.submit_write(lambda write: test_previews._fill(write, {})).result()
    log = StreamKey(test_previews.RUN, 1, 0, f"log/{NAME}")
    data = "".join(f"{line}\n" for line in LINES).encode()
    append = ingest.append
    server.house.database.submit_write(lambda write: append(write, log, 0, data, test_previews.NOW)).result()


def lines_of(text: str) -> list[str]:
    ends = r'</span>(?:<span class="open">.*?</span>)?</pre>'
    [found] = re.findall(rf'<pre class="log"[^>]*><span>(.*?){ends}', text, re.DOTALL)
    return Document(found).text.split("\n")[:-1]


def plain(line: str) -> str:
    return re.sub("\x1b\\[[0-9;]*m", "", line)


def link(text: str, words: str) -> str:
    found = re.search(rf'<a href="([^"]+)"[^>]*>{words}</a>', text)
    return found[1].replace("&amp;", "&") if found else ""


@pytest.mark.long
def test_older_lines_are_those_that_come_before(browser: Visitor) -> None:
    text = browser.get(PAGE).text
    assert '<span class="ansi-3">line 8994</span>' in text
    found = lines_of(text)
    while older := link(text, "Older lines"):
        text = browser.get(older).text
        found = lines_of(text) + found
    assert found == [plain(line) for line in LINES]


@pytest.mark.long
def test_newer_lines_are_those_that_come_after(browser: Visitor) -> None:
    text = browser.get(f"{PAGE}/log?log={quote(NAME)}").text
    found = lines_of(text)
    while newer := link(text, "Newer lines"):
        text = browser.get(newer).text
        found += lines_of(text)
    assert found == [plain(line) for line in LINES]


@pytest.mark.long
def test_what_is_looked_for_is_found_with_its_line_and_leads_there(browser: Visitor) -> None:
    page = browser.get(f"{PAGE}/log?q=Needle").text
    assert [int(each) for each in re.findall(r'<li value="(\d+)">', page)] == [4_001, 8_501]
    document = Document(page)
    assert EVIL in document.text and document.tags.count("script") == 1 and "img" not in document.tags
    there = re.search(r'<li value="8501"><a href="([^"]+)"', page)
    assert there is not None
    assert "NEEDLE again" in lines_of(browser.get(there[1].replace("&amp;", "&")).text)
    assert "stands nowhere" in browser.get(f"{PAGE}/log?q={quote(EVIL * 2)}").text
    assert "line 17 of" in Document(browser.get(f"{PAGE}/log?q=line+17+of").text).text, (
        "colours are not in the way"
    )


@pytest.mark.long
def test_of_many_lines_the_rest_is_a_click_away(browser: Visitor) -> None:
    text, numbers = browser.get(f"{PAGE}/log?q=%C3%A9").text, []
    while True:
        numbers += [int(each) for each in re.findall(r'<li value="(\d+)">', text)]
        if not (more := link(text, "Look further")):
            break
        text = browser.get(more).text
    assert numbers == [each + 1 for each, line in enumerate(LINES) if "é" in line]


def test_an_attempt_has_a_page_with_its_log_and_metrics(browser: Visitor) -> None:
    text = browser.get(f"{PAGE}/log?attempt=1&q=needle").text
    assert re.findall(r'<li value="(\d+)">', text) == ["4001", "8501"]
    assert "attempt=1" in link(text, "4,001")
    whole = browser.get(f"{PAGE}/log?attempt=1").text
    assert 'aria-label="Metrics of attempt 1"' in whole
    assert "attempt=1" in link(whole, "Save")
    nothing = browser.get(f"{PAGE}/log?attempt=2").text
    assert "This attempt wrote no log." in nothing
    assert "needle" not in nothing


def test_any_place_of_an_address_is_borne(browser: Visitor) -> None:
    for query in (
        "at=99999999999",
        "at=5&until=2",
        "log=none",
        "q=x&from=99999999&line=3",
        f"q={'x' * 3_000}",
    ):
        assert browser.get(f"{PAGE}/log?{query}").status == 200, query
    assert browser.get(f"{PAGE}/log?at=-1").status == 400
    assert browser.get("/ui/runs/none/log").status == 404


class TestColours:
    def test_they_go_on_over_lines_and_parts_cut_anywhere(self) -> None:
        text = "a\x1b[1;31mb\nc\x1b[32m10%\r20%\x1b[0m|\r\x1b[38;5;9mz\x1b[38;2;1;2;3my\x1b[48;5;1m\nd\x1b[4"
        whole = shown(text, coloured=True)
        assert colours.pieces(whole.text + whole.open) == [
            colours.Piece("a"),
            colours.Piece("b\n", "ansi-2 ansi-b"),
            colours.Piece("z", "ansi-10"),
            colours.Piece("y\nd"),
        ]
        for size in (1, 2, 3, 7):
            console = Console(coloured=True)
            parts = [console.feed(text[at : at + size]) for at in range(0, len(text), size)]
            assert "".join(part.text for part in parts) == whole.text
            assert parts[-1].open == whole.open

    @pytest.mark.parametrize(
        "codes", ["", "0", "38", "38;5", "38;5;999", "38;2;1", "1;" * 500, "x", "9" * 99]
    )
    def test_any_sequence_is_borne(self, codes: str) -> None:
        found = colours.pieces(shown(f"\x1b[{codes}mtext\n", coloured=True).text)
        assert "".join(each.text for each in found).endswith("text\n")

    def test_a_script_cannot_write_marks_of_its_own(self) -> None:
        assert shown(f"a{colours.mark(3)}b\n").text == "ab\n"
