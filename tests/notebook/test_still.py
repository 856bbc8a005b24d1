"""The still form: each text stays text, any numbers are drawn, the end of any log is shown."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as some

from faena.notebook.still import escaping, html, svg
from faena.notebook.views import run_view
from faena.notebook.views.blocks import Chart, Line, LogTail
from faena.notebook.views.run_view import KnownRun
from faena.notebook.views.tail import LINES, LONGEST, Tail
from faena.runs.list_schemas import Curves, NamedCurve
from tests.notebook.made_views import EVIL, NOW, curve, made_run, run_view_of
from tests.pages.test_pages import Document

ELEMENTS = {
    *(
        "style",
        "div",
        "section",
        "h3",
        "h4",
        "p",
        "span",
        "b",
        "a",
        "pre",
        "ol",
        "li",
        "details",
        "summary",
        "table",
        "tr",
    ),
    *(
        "th",
        "td",
        "thead",
        "tbody",
        "figure",
        "figcaption",
        "svg",
        "path",
        "circle",
        "rect",
        "line",
        "text",
        "title",
    ),
}


def test_whatever_a_run_is_called_is_text() -> None:
    shown = Document(html.page(run_view_of(EVIL)))
    assert set(shown.tags) <= ELEMENTS
    assert not [name for name, _ in shown.attributes if name.startswith("on")]
    assert shown.text.count("<script>alert(1)</script>") >= 12, "each is there to be read"
    assert all(value.startswith("https://example.org/") for name, value in shown.attributes if name == "href")


@pytest.mark.parametrize("page", ["javascript:alert(1)", "data:text/html,x", ""])
def test_no_link_leads_anywhere_but_to_a_page(page: str) -> None:
    assert escaping.address(page) == ""


def test_text_that_is_no_text_for_the_message_is_replaced() -> None:
    html.page(run_view_of("a\ud800b\x00c")).encode()


@given(
    some.lists(some.none() | some.floats(allow_nan=False), max_size=30),
    some.lists(some.floats(allow_nan=False, allow_infinity=False), max_size=30),
)
def test_any_numbers_are_drawn(y: list[float | None], x: list[float]) -> None:
    line = Line(sorted(x)[: len(y)], y[: len(x)])
    drawn = ElementTree.fromstring(svg.chart(Chart("any", "step", (line,))))
    assert not re.search("nan|inf", "".join(each.get("d", "") for each in drawn.iter()))


def test_a_progress_bar_is_one_line_and_colours_are_gone() -> None:
    tail = Tail()
    for part in ("one\x1b[3", "1m red\x1b[0m\n10 %\r", "20 %\r3", "0 %\nopen"):
        tail.feed(part)
    assert tail.text == "one red\n30 %\nopen"


def test_what_a_terminal_obeys_is_left_out_of_a_log_and_of_the_line_for_terminals() -> None:
    tail = Tail()
    tail.feed(
        "\x9b31mred\x9b0m \x1b]8;;javascript:alert(1)\x1b\\link\x1b]8;;\x1b\\ \x9d0;title\x9cback\x08\u202e.\n"
    )
    tail.feed("\x9d" * 30_000 + "\n" + "\x1b]" * 15_000 + "\n")
    assert tail.text.splitlines()[0] == "red link back."
    assert run_view_of("a\x1b]0;t\x07\u202eb").line.startswith("Run a]0;tb: Running")


def test_what_is_not_finite_is_not_called_a_number() -> None:
    curves = Curves(2, [NamedCurve("loss", curve([None, None])), NamedCurve("none", curve([]))])
    shown = run_view.of_run(KnownRun(made_run("r", blocker=None, error=None, phases=[]), NOW, curves=curves))
    assert "loss not finite" in shown.line
    assert html.page(shown).count("no finite value") == 2


def test_the_end_of_a_long_log_is_shown_and_its_place_known() -> None:
    tail, whole = Tail(), ""
    for number in range(3 * LINES):
        tail.feed(f"line {number}\n")
        whole += f"line {number}\n"
    assert tail.text.count("\n") == LINES
    assert whole[tail.start :] == tail.text
    tail.feed("x" * 1_000_000)
    assert len(tail.text.rsplit("\n", 1)[1]) < LONGEST + 50


def test_a_log_is_shown_below_its_name() -> None:
    assert "fv-log" in html.block(LogTail("log", "70_driver_log.txt", "text"))
