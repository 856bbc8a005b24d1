"""Constraints: what they mean, what they refuse, and that they cost little."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.kernel.errors import UserErrorException
from faena.sweeps.constraints import parse, parse_all

VALUES: dict[str, Any] = {
    "batch": 128,
    "layers": 4,
    "lr": 0.1,
    "batch-size": 32,
    "size": 7,
    "opt": "sgd",
    "zero": 0,
    "flag": True,
    "units": [64, 32],
    "none": None,
    "a/b": 3,
    "min": 2,
    "model.depth": 9,
}
NAMES = [*VALUES, "momentum", "nesterov"]
"""Of which the last ones are not there."""


def allowed(text: str) -> bool:
    return parse(text, NAMES).allows(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "batch * layers <= 512",
        "batch * layers + 1 == 513",
        "batch - layers * 2 == 120",
        "(batch - layers) * 2 == 248",
        "batch - layers - 2 == 122",
        "batch / layers / 2 == 16",
        "batch // 3 == 42",
        "batch % 3 == 2",
        "2 ** 3 ** 2 * layers == 2048",
        "-2 ** 2 + zero == -4",
        "2 ** -1 + zero == 0.5",
        "-layers < 0",
        "+layers > 0",
        "- - layers == 4",
        "1 < layers < 5 <= size",
        "layers < 5 > 1",
        "batch-size == 32",
        "batch_size == 32",
        "--batch-size == 32",
        "--layers * --batch == 512",
        "batch - size == 121",
        "batch -size == 121",
        "layers--1 == 5",
        "layers - -1 == 5",
        "opt == 'sgd'",
        'opt == "sgd"',
        "opt = 'sgd'",
        "opt != 'it''s'",
        "opt in ['adam', 'sgd']",
        "opt in ('adam', 'sgd')",
        "opt in ('sgd')",
        "opt not in ['adam',]",
        "not opt in ['adam']",
        "'b' > opt or opt > 'a'",
        "64 in units",
        "units == [64, 32]",
        "max(units) == 64",
        "min(batch, layers) == 4",
        "max(batch, layers, 500) == 500",
        "abs(layers - 6) == 2",
        "min == 2",
        "min(min, 1) == 1",
        "flag",
        "flag == True",
        "not (flag and layers > 4)",
        "layers > 5 or lr < 0.5 and flag",
        "(layers > 5 or lr < 0.5) and flag",
        "none == None",
        "`a/b` == 3",
        "`--a/b` == 3",
        "model.depth == 9",
        "lr <= 1e-1",
        "lr <= .1",
        "zero == 0 or batch / zero > 1",
        "(layers > 3) == true",
        "layers\n==\t4",
    ],
)
def test_what_holds_is_allowed_and_its_opposite_is_not(text: str) -> None:
    assert allowed(text)
    assert not allowed(f"not ({text})")


@pytest.mark.parametrize(
    "text",
    [
        "batch / zero > 1",
        "batch % zero == 0",
        "batch // zero == 0",
        "0 ** (zero - 1) == 0",
        "(zero - 8) ** 0.5 > 0",
        "opt * 3 == 'sgdsgdsgd'",
        "opt + opt == 'sgdsgd'",
        "opt % 3 == ''",
        "opt < 3",
        "opt",
        "units * 2 == [1]",
        "'s' in opt",
        "batch ** batch ** batch > 1",
        "batch ** 1000000000 > 1",
        "10.0 ** batch ** 2 > 1",
        "max(units, 3) > zero",
    ],
)
def test_what_cannot_be_computed_is_not_allowed_nor_is_its_opposite(text: str) -> None:
    assert not allowed(text)
    assert not allowed(f"not ({text})")


@pytest.mark.parametrize(
    "text",
    [
        "momentum > 0.5",
        "not momentum > 0.5",
        "momentum * batch + 1 < 0",
        "nesterov",
        "not nesterov",
        "momentum in [1, 2]",
        "max(momentum, 1) > 5",
        "momentum > 1 and layers == 4",
        "momentum > 1 or layers == 5",
        "(momentum > 1) == True",
        "none > 5",
        "none * 3 > 5",
    ],
)
def test_what_is_not_there_is_not_compared(text: str) -> None:
    assert allowed(text)
    assert allowed(f"not ({text})")


def test_what_is_there_counts_beside_what_is_not() -> None:
    assert not allowed("momentum > 1 and layers == 5")
    assert allowed("not (momentum > 1 or layers == 5)")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("batch * layes <= 4096", "'layes' is no parameter of the space. Did you mean layers"),
        ("q > 1", "Use one of"),
        ("batch *", "expected a parameter"),
        ("batch layers", "expected an operator"),
        ("(batch > 1", "')'"),
        ("batch > 1)", "expected an operator"),
        ("batch in", "expected a parameter"),
        ("batch not 3", "expected 'in'"),
        ("batch > 'a", "does not end"),
        ("batch > $", "means nothing"),
        ("batch > 1e999", "too large"),
        ("batch > 12abc", "means nothing"),
        ("batch * 2", "no condition"),
        ("[batch]", "no condition"),
        ("1 < 2", "about no parameter"),
        ("", "expected a parameter"),
        ("abs(batch, 2) > 1", "more than 1"),
        ("abs > 1", "no parameter"),
        ("__import__('os').system('x')", "no parameter"),
        ("batch.__class__ > 1", "means nothing"),
        ("lambda: batch", "no parameter"),
        ("`x y` > 1", "no parameter"),
        ("(" * 51 + "batch", "nested deeper"),
        ("not " * 51 + "flag", "nested deeper"),
        ("- " * 51 + "batch > 1", "nested deeper"),
        ("2 ** " * 51 + "batch > 1", "nested deeper"),
        ("batch > " + "1" * 2000, "2,008 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(UserErrorException) as refusal:
        parse(text, NAMES)
    assert why in refusal.value.message


def test_the_place_is_marked() -> None:
    with pytest.raises(UserErrorException) as refusal:
        parse("batch * layes <= 4096", NAMES)
    _, text, mark = refusal.value.message.splitlines()
    assert text[mark.index("^") :].startswith("layes")


@pytest.mark.parametrize("texts", ["batch > 1", 3, ["batch > 1"] * 101, [3]])
def test_constraints_are_a_list_of_texts(texts: Any) -> None:
    with pytest.raises(UserErrorException):
        parse_all(texts, NAMES)


def test_long_chains_are_computed() -> None:
    assert parse("batch" + "+1" * 900 + " == 1028", NAMES).allows(VALUES)
    assert parse(" and ".join(["flag"] * 200), NAMES).allows(VALUES)
    assert parse("1 " + "< layers " + "<= layers " * 150, NAMES).allows(VALUES)


@pytest.mark.parametrize(
    "unit", ["9" * 39 + "*", "batch**9*", "(batch*", "batch-", "a-", "-", "batch in [", "not "]
)
def test_costs_little_whatever_it_is(unit: str) -> None:
    text = (unit * 2000)[:1990] + "batch"
    began = time.process_time()
    with suppress(UserErrorException):
        parse(text, NAMES).allows(VALUES)
    assert time.process_time() - began < 0.5


@given(st.text(alphabet="batchlr 0123456789.()[]<>=!+-*/%'\"`,\nnotinadmx", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        constraint = parse(text, NAMES)
    except UserErrorException:
        return
    assert constraint.allows(VALUES) in (True, False)


numbers = st.integers(-20, 20)
expression = st.recursive(
    st.sampled_from(["batch", "layers", "size", "zero"]) | numbers.map(str),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        )
        | inner.map(lambda part: f"(-{part})")
        | st.tuples(inner, inner).map(lambda parts: f"min({parts[0]}, {parts[1]})")
    ),
    max_leaves=12,
)


@given(expression, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), expression)
def test_computes_as_python_does(left: str, compare: str, right: str) -> None:
    text = f"{left} {compare} {right} and batch > 0"
    try:
        expected = bool(
            eval(text, {"min": min, **{name: VALUES[name] for name in ("batch", "layers", "size", "zero")}})
        )
    except ArithmeticError:
        expected = False
    assert parse(text, NAMES).allows(VALUES) is expected
