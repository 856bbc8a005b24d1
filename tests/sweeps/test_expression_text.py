"""Expressions and policies as they are written on a command line or in a file."""

from __future__ import annotations

from typing import Any

import pytest

from faena.kernel.errors import UserErrorException
from faena.sweeps import expression_text
from faena.sweeps.space import Space


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("loguniform(-6,-1)", ["loguniform", [-6, -1]]),
        (" uniform( 1e-3 , +.5 ) ", ["uniform", [0.001, 0.5]]),
        ("quniform(1, 10, 4)", ["quniform", [1, 10, 4]]),
        ("randint(8)", ["randint", [8]]),
        ("flag", ["flag", []]),
        ("flag()", ["flag", []]),
        ("choice(128, 256)", ["choice", [[128, 256]]]),
        ("choice([128, 256])", ["choice", [[128, 256]]]),
        ("choice([1, 2], [3])", ["choice", [[[1, 2], [3]]]]),
        ("choice(range(3))", ["choice", [[0, 1, 2]]]),
        ("choice(range(9, 0, -3))", ["choice", [[9, 6, 3]]]),
        ("choice(adam, sgd, 'a/b', \"it's\")", ["choice", [["adam", "sgd", "a/b", "it's"]]]),
        ("choice(True, False, None, true, on)", ["choice", [[True, False, None, "true", "on"]]]),
        ("choice(0, uniform(0.1, 0.5),)", ["choice", [[0, ["uniform", [0.1, 0.5]]]]]),
        ("choice(uniform(0, 1))", ["choice", [[["uniform", [0, 1]]]]]),
        (
            "choice({--optimizer: sgd, momentum: uniform(0, 1)}, {'optimizer': adam, batch-size: 3})",
            [
                "choice",
                [
                    [
                        {"--optimizer": "sgd", "momentum": ["uniform", [0, 1]]},
                        {"optimizer": "adam", "batch-size": 3},
                    ]
                ],
            ],
        ),
    ],
)
def test_a_text_means_v1s_form(text: str, meant: list[Any]) -> None:
    found = expression_text.parse("--a", text)
    assert found == meant
    assert Space.parse({"--a": found}).parameters


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected a value"),
        ("0.1, 0.2", "choice(1, 2)"),
        ("unifrom(0, 1)", "Did you mean uniform"),
        ("choice(1, unifrom(0, 1))", "Did you mean uniform"),
        ("banana(1)", "Use one of choice, flag"),
        ("uniform(0, 1", "expected ',' or ')'"),
        ("uniform(0 1)", "expected ',' or ')'"),
        ("uniform(0, 1))", "expected the end"),
        ("uniform(0, -x)", "expected a number"),
        ("choice(a/b)", "expected ',' or ')'"),
        ("choice(/a)", "stands in quotes: 'a/b'"),
        ("choice('a)", "does not end"),
        ("choice({a: 1, a: 2})", "'a' is there twice"),
        ("choice({a 1})", "expected ':' behind 'a'"),
        ("choice({1: 1})", "expected the name of a parameter"),
        ("choice(range(0, 10**9))", "expected"),
        ("choice(range(1000000000))", "more than 10,000 options"),
        ("choice(range(1, 2, 0))", "one to three integers"),
        ("choice(range(1.5))", "one to three integers"),
        ("choice(" + "[" * 100, "nested deeper than 50"),
        ("choice(" + "1," * 2000, "2,000 at most"),
        ("__import__('os')", "is no expression"),
        ("lo\x1b[2J", "this means nothing here"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_parameter(text: str, why: str) -> None:
    with pytest.raises(UserErrorException) as error:
        expression_text.parse("--lr", text)
    assert error.value.message.startswith("Parameter '--lr' ")
    assert why in error.value.message
    assert "\x1b" not in error.value.message


@pytest.mark.parametrize(
    "text", ["0.1", "adam", "[1, 2]", "uniform", "choice()", "uniform(1)", "uniform(1, 0)"]
)
def test_what_is_read_and_is_no_expression_is_refused_by_the_space(text: str) -> None:
    with pytest.raises(UserErrorException, match="'--lr'"):
        Space.parse({"--lr": expression_text.parse("--lr", text)})


def test_a_policy_is_a_word_with_fields_by_name() -> None:
    assert expression_text.parse_call("median", "It") == ("median", {})
    assert expression_text.parse_call("median()", "It") == ("median", {})
    found = expression_text.parse_call("bandit(slack_factor=0.1, delay_evaluation=3, stop_on_nan=True)", "It")
    assert found == ("bandit", {"slack_factor": 0.1, "delay_evaluation": 3, "stop_on_nan": True})


@pytest.mark.parametrize(
    "text",
    ["", "1", "bandit(0.1)", "bandit(a=1", "bandit(a=1, a=2)", "bandit(a 1)", "bandit a", "bandit(a=)"],
)
def test_a_policy_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UserErrorException, match=r"^The policy cannot be read: "):
        expression_text.parse_call(text, "The policy")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("uniform(0,1)", True),
        (" choice (1)", True),
        ("uniform", False),
        ("f(x)", False),
        ("a uniform(", False),
    ],
)
def test_a_value_of_an_option_may_be_an_expression(text: str, expected: bool) -> None:
    assert expression_text.is_expression(text) is expected
