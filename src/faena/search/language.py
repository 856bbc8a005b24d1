"""The filter language: text to a tree. Parsed, never evaluated. No I/O.

    filter     = and_part { "or" and_part }
    and_part   = part { "and" part }
    part       = "not" part | "(" filter ")" | comparison
    comparison = field ( operator value | [ "not" ] "in" "(" value { "," value } ")" | "is" [ "not" ] "null" )
    operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | [ "not" ] "like"
    field      = name { "." name }              such as status, tags.team, metrics.Accuracy.max, metrics."val/loss",
                                                parameters.--epochs
    value      = number | 'text' | "text" | word

Words are read whatever their case where they are the language's; names and values as they are written.
"""

from __future__ import annotations

import re
from typing import NoReturn

from msgspec import Struct

from faena.kernel.errors import UserErrorException

LONGEST = 10_000
"""Characters of a filter."""
MOST = 100
"""Comparisons in a filter."""
SORT = "sort field"
GROUP = "group"
"""What errors call it."""
_DEEPEST = 50

Value = str | float | int

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![\w.]))
  | (?P<word>[^\W\d]\w*(?:-\w+)*)
  | (?P<flag>--?[^\W\d]\w*(?:-\w+)*)
  | '(?P<single>(?:[^']|'')*)'
  | "(?P<double>(?:[^"]|"")*)"
  | (?P<operator><=|>=|!=|<>|==|=|<|>)
  | (?P<mark>[().,])
  | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_OPERATORS = {"==": "=", "<>": "!="}
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "like", "null"})


class Field(Struct, frozen=True):
    path: tuple[str, ...]
    at: int
    """Where in the text it stands."""

    def __str__(self) -> str:
        return ".".join(name if re.fullmatch(r"[\w-]+", name) else f'"{name}"' for name in self.path)


class Comparison(Struct, frozen=True):
    """`operator`: =, !=, <, <=, >, >=, like, in, is null. `values`: one, several for `in`, none for `is null`."""

    field: Field
    operator: str
    values: tuple[Value, ...]
    at: int
    """Where the first value stands, or the operator."""


class And(Struct, frozen=True):
    parts: tuple[Node, ...]


class Or(Struct, frozen=True):
    parts: tuple[Node, ...]


class Not(Struct, frozen=True):
    part: Node


Node = Comparison | And | Or | Not


def fields_of(node: Node) -> set[str]:
    """What the filter asks about, in small letters."""
    if isinstance(node, Comparison):
        return {str(node.field).lower()}
    parts = (node.part,) if isinstance(node, Not) else node.parts
    return set().union(*(fields_of(part) for part in parts))


class Source:
    """A text that is read, for errors that point at the place. `title`: what it is."""

    def __init__(self, text: str, title: str = "filter") -> None:
        self.text = text
        self.title = title

    def refuse(self, at: int, why: str) -> NoReturn:
        """Raises UserErrorException with the line of the text and a mark under the place."""
        start = max(0, at - 60)
        shown = "".join(letter if letter.isprintable() else " " for letter in self.text[start : at + 30])
        raise UserErrorException(
            f"The {self.title} cannot be read: {why}\n  {shown}\n  {' ' * (at - start)}^"
        )


def parse(text: str) -> Node:
    """Raises UserErrorException that points at the place."""
    if len(text) > LONGEST:
        raise UserErrorException(f"The filter has {len(text):,} characters. Use {LONGEST:,} at most.")
    return _Parser(text).whole()


def parse_field(text: str) -> Field:
    """A field alone, which a list is sorted by. Raises as `parse`."""
    parser = _Parser(text[:LONGEST], SORT)
    field = parser.field()
    if parser.kind != "end":
        parser.source.refuse(parser.at, "there is more behind the field.")
    return field


def parse_fields(text: str) -> list[Field]:
    """Fields with commas between, such as the columns of a table. Raises as `parse`."""
    return _Parser(text[:LONGEST], "list of fields").fields()


class _Parser:
    def __init__(self, text: str, title: str = "filter") -> None:
        self.source = Source(text, title)
        self._next = 0
        self._depth = 0
        self._count = 0
        self._advance()

    def _advance(self) -> None:
        found = _TOKEN.match(self.source.text, self._next)
        if found is None:
            rest = self.source.text[self._next :]
            at = self._next + len(rest) - len(rest.lstrip())
            quote = self.source.text[at] in "'\""
            self.source.refuse(
                at, "a text begins here and does not end." if quote else "this means nothing here."
            )
        kind = str(found.lastgroup)
        quoted = {"single": "'", "double": '"'}.get(kind, "")
        self.kind = "text" if quoted else kind
        self.value: str = found[kind].replace(quoted * 2, quoted) if quoted else found[kind]
        self.at = found.start(kind) - len(quoted)
        self._next = found.end()

    def _is_word(self, word: str) -> bool:
        return self.kind == "word" and self.value.lower() == word

    def _is_mark(self, mark: str) -> bool:
        return self.kind == "mark" and self.value == mark

    def _expect(self, mark: str, why: str) -> None:
        if not self._is_mark(mark):
            self.source.refuse(self.at, why)
        self._advance()

    def whole(self) -> Node:
        node = self._any()
        if self.kind != "end":
            self.source.refuse(self.at, "expected 'and', 'or' or the end.")
        return node

    def _any(self) -> Node:
        parts = [self._all()]
        while self._is_word("or"):
            self._advance()
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self) -> Node:
        parts = [self._part()]
        while self._is_word("and"):
            self._advance()
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _part(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            self.source.refuse(self.at, f"it is nested deeper than {_DEEPEST}.")
        try:
            if self._is_word("not"):
                self._advance()
                return Not(self._part())
            if self._is_mark("("):
                self._advance()
                node = self._any()
                self._expect(")", "expected 'and', 'or' or ')'.")
                return node
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Node:
        self._count += 1
        if self._count > MOST:
            self.source.refuse(self.at, f"it has more than {MOST} comparisons.")
        field = self.field()
        at = self.at
        if self.kind == "operator":
            operator = _OPERATORS.get(self.value, self.value)
            self._advance()
            return Comparison(field, operator, (self._read_value(),), at)
        if self._is_word("is"):
            self._advance()
            negated = self._skip_not()
            if not self._is_word("null"):
                self.source.refuse(self.at, "expected 'null'.")
            self._advance()
            return _maybe_not(Comparison(field, "is null", (), at), negated=negated)
        negated = self._skip_not()
        if self._is_word("like"):
            self._advance()
            return _maybe_not(Comparison(field, "like", (self._read_value(),), at), negated=negated)
        if not self._is_word("in"):
            self.source.refuse(self.at, "expected one of = != < <= > >= like, in, is null.")
        self._advance()
        return _maybe_not(Comparison(field, "in", self._list(), at), negated=negated)

    def _skip_not(self) -> bool:
        if found := self._is_word("not"):
            self._advance()
        return found

    def _list(self) -> tuple[Value, ...]:
        self._expect("(", "expected '(' and values with commas between.")
        found = [self._read_value()]
        while self._is_mark(","):
            self._advance()
            found.append(self._read_value())
            if len(found) > MOST:
                self.source.refuse(self.at, f"the list has more than {MOST} values.")
        self._expect(")", "expected ',' or ')'.")
        return tuple(found)

    def fields(self) -> list[Field]:
        found = [self.field()]
        while self._is_mark(","):
            self._advance()
            found.append(self.field())
            if len(found) > MOST:
                self.source.refuse(self.at, f"there are more than {MOST} fields.")
        if self.kind != "end":
            self.source.refuse(self.at, "expected ',' or the end.")
        return found

    def field(self) -> Field:
        at = self.at
        if self.kind != "word" or self.value.lower() in _KEYWORDS:
            self.source.refuse(at, "expected a field, such as status, tags.team or metrics.Accuracy.")
        path = [self.value]
        self._advance()
        while self._is_mark("."):
            self._advance()
            if self.kind not in ("word", "text", "number", "flag"):
                self.source.refuse(
                    self.at, "expected a name behind the dot. Put others than words in quotes."
                )
            path.append(self.value)
            self._advance()
        return Field(tuple(path), at)

    def _read_value(self) -> Value:
        kind, text = self.kind, self.value
        if kind not in ("number", "text", "word") or (kind == "word" and text.lower() in _KEYWORDS):
            self.source.refuse(self.at, "expected a value: a number, a word, or a text in quotes.")
        self._advance()
        if kind != "number":
            return text
        return int(text) if re.fullmatch(r"[-+]?\d{1,40}", text) else float(text)


def _maybe_not(node: Node, *, negated: bool) -> Node:
    return Not(node) if negated else node
