"""The grammar of constraints: text to a function. No I/O.

    constraint = all { "or" all }
    all        = part { "and" part }
    part       = "not" part | comparison
    comparison = sum { operator sum }           == = != < <= > >=, `in`, `not in`; chained as in Python
    sum        = term { ("+" | "-") term }
    term       = factor { ("*" | "/" | "//" | "%") factor }
    factor     = ("+" | "-") factor | primary [ "**" factor ]
    primary    = number | 'text' | "text" | True | False | None | name | "(" constraint ")"
               | "[" constraint { "," constraint } "]" | ("min" | "max" | "abs") "(" constraint { "," constraint } ")"

Behind `in` stand also values in round brackets, as in Python, or one parameter that is a list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from faena.kernel.nearest import nearest
from faena.sweeps.arguments import shown
from faena.sweeps.constraint_arithmetic import (
    ARITHMETIC,
    COMPARISONS,
    CONSTANTS,
    FUNCTIONS,
    Absent,
    Compute,
    Decide,
    Known,
    applied,
    bounded,
    condition,
    number,
    power,
    reading,
)
from faena.sweeps.constraint_tokens import Tokens

_DEEPEST = 50
_MOST_ARGUMENTS = 1000


class Parser:
    def __init__(self, text: str, names: Collection[str]) -> None:
        self._tokens = Tokens(text, names)
        self._depth = 0
        self._names: set[str] = set()

    def whole(self) -> tuple[Decide, frozenset[str]]:
        """What decides, and the parameters that it is about. Raises UserErrorException that points at the place."""
        tokens = self._tokens
        decide, is_condition = self._any()
        if tokens.kind != "end":
            tokens.refuse("expected an operator, 'and', 'or' or the end.")
        if not self._names:
            tokens.refuse_whole("it is about no parameter.")
        if not is_condition:
            tokens.refuse_whole("it is no condition. Compare it with something, such as … <= 100.")
        return condition(decide), frozenset(self._names)

    def _any(self) -> tuple[Compute, bool]:
        return self._joined("or", self._all, True)

    def _all(self) -> tuple[Compute, bool]:
        return self._joined("and", self._part, False)

    def _joined(
        self, word: str, read: Callable[[], tuple[Compute, bool]], settles: bool
    ) -> tuple[Compute, bool]:
        first = read()
        if not self._tokens.skip(word):
            return first
        parts = [condition(first[0]), condition(read()[0])]
        while self._tokens.skip(word):
            parts.append(condition(read()[0]))

        def decide(known: Known) -> bool:
            applies = True
            for part in parts:
                found = part(known)
                if found is settles:
                    return settles
                applies = applies and found is not None
            if not applies:
                raise Absent
            return not settles

        return decide, True

    def _part(self) -> tuple[Compute, bool]:
        if not self._tokens.skip("not"):
            return self._comparison()
        with_depth = self._deeper(self._part)
        part = condition(with_depth[0])

        def decide(known: Known) -> bool:
            found = part(known)
            if found is None:
                raise Absent
            return not found

        return decide, True

    def _deeper(self, read: Callable[[], tuple[Compute, bool]]) -> tuple[Compute, bool]:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._tokens.refuse(f"it is nested deeper than {_DEEPEST}.")
        found = read()
        self._depth -= 1
        return found

    def _comparison(self) -> tuple[Compute, bool]:
        first, is_condition = self._sum()
        rest: list[tuple[Callable[[Any, Any], bool], Compute]] = []
        while (word := self._comparing()) is not None:
            rest.append((COMPARISONS[word], self._listed() if word.endswith("in") else self._sum()[0]))
        if not rest:
            return first, is_condition

        def decide(known: Known) -> bool:
            left = first(known)
            for compare, right in rest:
                following = right(known)
                if not compare(left, following):
                    return False
                left = following
            return True

        return decide, True

    def _comparing(self) -> str | None:
        for word in ("in", "not"):
            if self._tokens.skip(word):
                if word == "not" and not self._tokens.skip("in"):
                    self._tokens.refuse("expected 'in' behind 'not'.")
                return "in" if word == "in" else "not in"
        if self._tokens.kind == "mark" and self._tokens.value in COMPARISONS:
            word = str(self._tokens.value)
            self._tokens.advance()
            return word
        return None

    def _listed(self) -> Compute:
        """What follows `in`: also (1, 2), as in Python, and (1), which here is a list, too."""
        if self._tokens.skip("("):
            return self._items(")")
        return self._sum()[0]

    def _sum(self) -> tuple[Compute, bool]:
        return self._chain(("+", "-"), self._term)

    def _term(self) -> tuple[Compute, bool]:
        return self._chain(("*", "/", "//", "%"), self._factor)

    def _chain(self, signs: Sequence[str], read: Callable[[], tuple[Compute, bool]]) -> tuple[Compute, bool]:
        found = read()
        rest: list[tuple[Callable[[Any, Any], Any], Compute]] = []
        while (sign := self._tokens.skip_one_of(signs)) is not None:
            rest.append((ARITHMETIC[sign], read()[0]))
        if not rest:
            return found
        first = found[0]

        def compute(known: Known) -> Any:
            result = number(first(known))
            for apply, operand in rest:
                result = bounded(apply(result, number(operand(known))))
            return result

        return compute, False

    def _factor(self) -> tuple[Compute, bool]:
        sign = self._tokens.skip_one_of(("+", "-"))
        if sign is not None:
            operand = self._deeper(self._factor)[0]
            if sign == "-":
                return (lambda known: -number(operand(known))), False
            return (lambda known: +number(operand(known))), False
        found = self._primary()
        if not self._tokens.skip("**"):
            return found
        base, exponent = found[0], self._deeper(self._factor)[0]
        return (
            lambda known: bounded(power(number(base(known)), number(exponent(known)))),
            False,
        )

    def _primary(self) -> tuple[Compute, bool]:
        tokens = self._tokens
        kind, value = tokens.kind, tokens.value
        if kind in ("number", "text"):
            tokens.advance()
            return (lambda known: value), False
        if kind == "name":
            tokens.advance()
            self._names.add(value)
            return reading(value), True
        if tokens.skip("("):
            found = self._deeper(self._any)
            tokens.expect(")", "expected an operator, 'and', 'or' or ')'.")
            return found
        if tokens.skip("["):
            return self._items("]"), False
        if kind == "word":
            return self._word(value)
        return tokens.refuse("expected a parameter, a number, a text in quotes or '('.")

    def _word(self, word: str) -> tuple[Compute, bool]:
        tokens = self._tokens
        if word in FUNCTIONS and tokens.is_call():
            tokens.advance()
            tokens.advance()
            apply, items = FUNCTIONS[word], self._items(")", 1 if word == "abs" else _MOST_ARGUMENTS)
            return (lambda known: applied(apply, items(known))), False
        if word in CONSTANTS:
            tokens.advance()
            constant = CONSTANTS[word]
            return (lambda known: constant), False
        near = nearest(word, tokens.names)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"Use one of {', '.join(sorted(tokens.names)[:20])}."
        )
        return tokens.refuse(f"{shown(word)} is no parameter of the space. {hint}")

    def _items(self, end: str, most: int = _MOST_ARGUMENTS) -> Compute:
        items = [self._deeper(self._any)[0]]
        while self._tokens.skip(","):
            if self._tokens.is_mark(end):
                break
            items.append(self._deeper(self._any)[0])
        if len(items) > most:
            self._tokens.refuse(f"there are more than {most} values in this.")
        self._tokens.expect(end, f"expected ',' or '{end}'.")
        return lambda known: [item(known) for item in items]
