"""Expressions and policies as text, `loguniform(-6, -1)` and `bandit(slack_factor=0.1)`, parsed by us. No I/O.

    expression = word [ "(" [ value { "," value } ] ")" ]
    value      = [ "+" | "-" ] number | 'text' | "text" | True | False | None | text without quotes
               | "[" [ value { "," value } ] "]" | "{" [ key ":" value { "," key ":" value } ] "}" | expression
    key        = 'text' | "text" | [ "-" | "--" ] text without quotes
    policy     = word [ "(" [ word "=" value { "," word "=" value } ] ")" ]

A text without quotes is letters, digits and underscores, and begins with no digit; in a key also dashes.
`choice(a, b)` is `choice([a, b])`, and `range(8)` is the list of 0 to 7, as in Python.
"""

from __future__ import annotations

from typing import Any

from faena.kernel.nearest import nearest
from faena.sweeps.constraint_tokens import Tokens
from faena.sweeps.expressions import MOST_OPTIONS, WORDS

_CONSTANTS = {"True": True, "False": False, "None": None}
_DEEPEST = 50


def parse(name: str, text: str) -> Any:
    """In v1's form, such as `["loguniform", [-6, -1]]`, or a value that is no expression, which a space refuses.

    Raises UserErrorException that names the parameter and points at the place.
    """
    return _Parser(Tokens(text, (), what=f"Parameter {name!r}", braces=True)).whole()


def is_expression(text: str) -> bool:
    """Whether it begins as one of our expressions does; what is not well-formed behind that is an error of it."""
    word, bracket, _ = text.lstrip(" \t").partition("(")
    return bool(bracket) and word.rstrip(" \t") in WORDS


def parse_call(text: str, what: str) -> tuple[str, dict[str, Any]]:
    """The word and what it is given by name. Raises UserErrorException that begins with `what`."""
    return _Parser(Tokens(text, (), what=what, braces=True)).call_by_name()


class _Parser:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._depth = 0

    def whole(self) -> Any:
        tokens = self._tokens
        found = [tokens.value, []] if tokens.kind == "word" and tokens.value == "flag" else None
        if found is not None and not tokens.is_call():
            tokens.advance()
        else:
            found = self._value()
        if tokens.kind != "end":
            tokens.refuse("expected the end. Several values are a choice: choice(1, 2).")
        return found

    def call_by_name(self) -> tuple[str, dict[str, Any]]:
        tokens = self._tokens
        word = self._word("expected a name.")
        given: dict[str, Any] = {}
        if tokens.skip("(") and not tokens.skip(")"):
            while True:
                name = self._word("expected a field by its name, such as evaluation_interval=2.")
                if name in given:
                    tokens.refuse(f"{name} was given twice.")
                tokens.expect("=", f"expected '=' behind {name}.")
                given[name] = self._value()
                if not tokens.skip(","):
                    break
            tokens.expect(")", "expected ',' or ')'.")
        if tokens.kind != "end":
            tokens.refuse("expected the end.")
        return word, given

    def _word(self, why: str) -> str:
        tokens = self._tokens
        if tokens.kind != "word":
            tokens.refuse(why)
        word = str(tokens.value)
        tokens.advance()
        return word

    def _value(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._tokens.refuse(f"it is nested deeper than {_DEEPEST}.")
        found = self._read()
        self._depth -= 1
        return found

    def _read(self) -> Any:
        tokens = self._tokens
        kind, value = tokens.kind, tokens.value
        sign = tokens.skip_one_of(("+", "-"))
        if sign is not None:
            if tokens.kind != "number":
                tokens.refuse("expected a number. A text that begins with a dash stands in quotes.")
            value = tokens.value
            tokens.advance()
            return -value if sign == "-" else value
        if kind in ("number", "text"):
            tokens.advance()
            return value
        if tokens.skip("["):
            return self._values("]")
        if tokens.skip("{"):
            return self._pairs()
        if kind == "word":
            if tokens.is_call():
                return self._call(str(value))
            tokens.advance()
            return _CONSTANTS.get(value, value)
        return tokens.refuse("expected a value. A text with other letters stands in quotes: 'a/b'.")

    def _call(self, word: str) -> Any:
        tokens = self._tokens
        if word not in WORDS and word != "range":
            near = nearest(word, WORDS)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Use one of {', '.join(WORDS)}."
            tokens.refuse(f"{word[:80]!r} is no expression. {hint}")
        tokens.advance()
        tokens.advance()
        given = self._values(")")
        if word == "range":
            return self._range(given)
        if word == "choice":
            is_list = len(given) == 1 and isinstance(given[0], list) and not _is_written(given[0])
            return [word, [given[0] if is_list else given]]
        return [word, given]

    def _range(self, given: list[Any]) -> list[int]:
        if not 1 <= len(given) <= 3 or any(type(each) is not int for each in given) or given[2:] == [0]:
            self._tokens.refuse("range has one to three integers: range(8), range(1, 9), range(0, 100, 10).")
        found = range(*given)
        # not len(), which is for lengths of what memory can hold
        if abs(found.stop - found.start) // abs(found.step) > MOST_OPTIONS:
            self._tokens.refuse(
                f"this range has more than {MOST_OPTIONS:,} options. Use randint or quniform."
            )
        return list(found)

    def _values(self, end: str) -> list[Any]:
        found: list[Any] = []
        while not self._tokens.skip(end):
            found.append(self._value())
            if not self._tokens.skip(","):
                self._tokens.expect(end, f"expected ',' or '{end}'.")
                break
        return found

    def _pairs(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self._tokens.skip("}"):
            key = self._key()
            if key in found:
                self._tokens.refuse(f"{key!r} is there twice.")
            self._tokens.expect(":", f"expected ':' behind {key!r}.")
            found[key] = self._value()
            if not self._tokens.skip(","):
                self._tokens.expect("}", "expected ',' or '}'.")
                break
        return found

    def _key(self) -> str:
        tokens = self._tokens
        if tokens.kind == "text":
            key = str(tokens.value)
            tokens.advance()
            return key
        dashes = ""
        while len(dashes) < 2 and tokens.skip("-"):
            dashes += "-"
        words = [self._word("expected the name of a parameter.")]
        while tokens.skip("-"):
            words.append(self._word("expected the rest of the parameter's name."))
        return dashes + "-".join(words)


def _is_written(value: list[Any]) -> bool:
    """Whether a list is an expression in v1's form, which a choice of one expression has."""
    return len(value) == 2 and value[0] in WORDS and isinstance(value[1], list)
