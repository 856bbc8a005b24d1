"""The filter language: what it reads, and how it points at what it cannot."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.kernel.errors import UserErrorException
from faena.search.language import And, Comparison, Node, Not, parse, parse_field


def shown(node: Node) -> str:
    """With brackets around everything that binds."""
    if isinstance(node, Comparison):
        values = ",".join(repr(value) for value in node.values)
        return f"{node.field} {node.operator} {values}".strip()
    if isinstance(node, Not):
        return f"not [{shown(node.part)}]"
    word = " and " if isinstance(node, And) else " or "
    return f"[{word.join(shown(part) for part in node.parts)}]"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("status = Failed", "status = 'Failed'"),
        ("status == 'Failed'", "status = 'Failed'"),
        ("metrics.Accuracy > 0.97 and tags.team = 'a'", "[metrics.Accuracy > 0.97 and tags.team = 'a']"),
        ("a = 1 or b = 2 and c = 3", "[a = 1 or [b = 2 and c = 3]]"),
        ("(a = 1 or b = 2) and c = 3", "[[a = 1 or b = 2] and c = 3]"),
        ("not a = 1 and b = 2", "[not [a = 1] and b = 2]"),
        ("not not a = 1", "not [not [a = 1]]"),
        ("a <> 1", "a != 1"),
        ("a in (1, x, 'it''s')", "a in 1,'x',\"it's\""),
        ("a not in (1)", "not [a in 1]"),
        ("a is null", "a is null"),
        ("a IS NOT NULL", "not [a is null]"),
        ("a like '%net%'", "a like '%net%'"),
        ("a NOT LIKE 'x'", "not [a like 'x']"),
        ('metrics."val/loss".min <= -1e-3', 'metrics."val/loss".min <= -0.001'),
        ("metrics.top-5 >= +5", "metrics.top-5 >= 5"),
        ('tags."say ""hi""" = \'\'', 'tags."say "hi"" = \'\''),
        ("name = 'Zoë'", "name = 'Zoë'"),
        ("größe.x = 1", "größe.x = 1"),
    ],
)
def test_what_it_means(text: str, meaning: str) -> None:
    assert shown(parse(text)) == meaning


@pytest.mark.parametrize(
    ("text", "at", "why"),
    [
        ("", 0, "expected a field"),
        ("status", 6, "expected one of ="),
        ("status =", 8, "expected a value"),
        ("status = and", 9, "expected a value"),
        ("status = 'x", 9, "begins here and does not end"),
        ("a = 1 and", 9, "expected a field"),
        ("a = 1 b = 2", 6, "expected 'and', 'or' or the end"),
        ("(a = 1", 6, "expected 'and', 'or' or ')'"),
        ("a = 1)", 5, "expected 'and', 'or' or the end"),
        ("a ! 1", 2, "means nothing here"),
        ("a = 1; drop table runs", 5, "means nothing here"),
        ("a in 1", 5, "expected '('"),
        ("a in (1 2)", 8, "expected ',' or ')'"),
        ("a in ()", 6, "expected a value"),
        ("a is 3", 5, "expected 'null'"),
        ("a. = 1", 3, "expected a name behind the dot"),
        ("1 = 1", 0, "expected a field"),
        ("and = 1", 0, "expected a field"),
    ],
)
def test_errors_point_at_the_place(text: str, at: int, why: str) -> None:
    with pytest.raises(UserErrorException) as error:
        parse(text)
    first, line, mark = error.value.message.split("\n")
    assert why in first
    assert line == f"  {text}"
    assert mark.index("^") == at + 2


def test_a_long_filter_shows_the_place_and_what_is_around_it() -> None:
    with pytest.raises(UserErrorException) as error:
        parse("a = 1 and " * 90 + "b ! 2")
    _, line, mark = error.value.message.split("\n")
    assert len(line) < 100
    assert line[mark.index("^")] == "!"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 60 + "a = 1" + ")" * 60,
        "not " * 60 + "a = 1",
        " and ".join(["a = 1"] * 101),
        "a = " + "1" * 10_001,
    ],
)
def test_filters_of_a_size_that_nobody_means(text: str) -> None:
    with pytest.raises(UserErrorException):
        parse(text)


@pytest.mark.parametrize(
    "text", ["'" * 9_999, "a = '" + "''" * 4_000, "a" * 9_999 + "!", "-" * 9_999, ". " * 4_999]
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    with pytest.raises(UserErrorException):
        parse(text)
    assert time.process_time() - began < 0.5


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except UserErrorException as error:
        assert error.message.count("\n") in (0, 2)


def test_a_field_alone() -> None:
    assert str(parse_field("metrics.Accuracy.max")) == "metrics.Accuracy.max"
    with pytest.raises(UserErrorException, match="sort field cannot be read: there is more behind the field"):
        parse_field("a = 1")
