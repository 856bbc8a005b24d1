"""MLflow's filter language: text to clauses, all of which must hold. Parsed, never evaluated. No I/O.

    filter     = clause { "and" clause }
    clause     = key operator value | key [ "not" ] "in" "(" value { "," value } ")" | key "is" [ "not" ] "null"
    key        = [ entity "." ] name        the name plain, in `backticks` or in "double quotes"
    operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "like" | "ilike"
    value      = number | 'text' | "text"

and `order_by`: a key, then perhaps "asc" or "desc".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from msgspec import Struct

from faena.mlflow.errors import MlflowError

LONGEST = 10_000
"""Characters of a filter."""
MOST = 100
"""Clauses."""
MOST_KEYS = 20
"""Of an order: some are a join each, of which databases take 64 in a statement."""
ORDERS = (">", ">=", "<", "<=", "=", "!=")
TEXTS = ("=", "!=", "LIKE", "ILIKE")
LISTS = ("IN", "NOT IN")
NULLS = ("IS NULL", "IS NOT NULL")

_TOKEN = re.compile(
    r"""\s*+(?:
    (?P<number>[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![\w.`"]))
  | '(?P<single>(?:[^']|'')*+)'
  | "(?P<double>[^"]*+)"(?!\s*+\.)
  | (?P<key>(?:[A-Za-z_][\w\-/:]*+|`[^`]*+`|"[^"]*+")(?:\.(?:[\w\-/:]++|`[^`]*+`|"[^"]*+"))*+)
  | (?P<operator><=|>=|!=|<>|==|=|<|>)
  | (?P<mark>[(),])
  | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_FILTER, _ORDER = "filter", "order_by"
_WORDS = frozenset({"and", "or", "not", "in", "is", "null", "like", "ilike", "asc", "desc"})


class Value(Struct, frozen=True):
    text: str
    is_text: bool
    """Whether it stood in quotation marks."""


class Key(Struct, frozen=True):
    entity: str
    """What stands before the first dot, in small letters; empty: nothing does."""
    name: str


class Clause(Struct, frozen=True):
    key: Key
    operator: str
    """One of `ORDERS`, `TEXTS`, `LISTS`, `NULLS`."""
    values: tuple[Value, ...] = ()

    @property
    def shown(self) -> str:
        return f"{self.key.entity}.{self.key.name}" if self.key.entity else self.key.name


class Order(Struct, frozen=True):
    key: Key
    descending: bool


def parse(text: str | None) -> list[Clause]:
    """Raises MlflowError with what cannot be read."""
    if not text or not text.strip():
        return []
    if len(text) > LONGEST:
        raise MlflowError(f"The filter has {len(text):,} characters; at most {LONGEST:,} are read.")
    return _Parser(text, _FILTER).clauses()


def parse_orders(texts: Sequence[str]) -> list[Order]:
    """Raises MlflowError with what cannot be read."""
    if len(texts) > MOST_KEYS:
        raise MlflowError(f"The order has {len(texts):,} keys; at most {MOST_KEYS} are read.")
    return [_parse_order(text) for text in texts]


def _parse_order(text: str) -> Order:
    if len(text) > LONGEST:
        raise MlflowError(f"A key of the order has {len(text):,} characters; at most {LONGEST:,} are read.")
    return _Parser(text, _ORDER).order()


class _Parser:
    def __init__(self, text: str, what: str) -> None:
        self._text = text
        self._what = what
        self._next = 0
        self._advance()

    def clauses(self) -> list[Clause]:
        found = [self._clause()]
        while self._word == "and":
            self._advance()
            found.append(self._clause())
            if len(found) > MOST:
                self._refuse(f"it has more than {MOST} clauses")
        if self._kind != "end":
            self._refuse("clauses are joined by AND alone")
        return found

    def order(self) -> Order:
        key = self._key()
        descending = self._word == "desc"
        if self._word in ("asc", "desc"):
            self._advance()
        if self._kind != "end":
            raise MlflowError(f"Invalid ordering key in order_by clause {self._text[:200]!r}.")
        return Order(key, descending)

    def _clause(self) -> Clause:
        key = self._key()
        if self._kind == "operator":
            operator = "!=" if self._read == "<>" else self._read
            self._advance()
            return Clause(key, operator, (self._value(),))
        if self._skip("like"):
            return Clause(key, "LIKE", (self._value(),))
        if self._skip("ilike"):
            return Clause(key, "ILIKE", (self._value(),))
        if self._skip("is"):
            operator = "IS NOT NULL" if self._skip("not") else "IS NULL"
            if not self._skip("null"):
                self._refuse("NULL is expected")
            return Clause(key, operator)
        operator = "NOT IN" if self._skip("not") else "IN"
        if not self._skip("in"):
            self._refuse("a key is followed by a comparison and a value")
        return Clause(key, operator, self._list())

    def _skip(self, word: str) -> bool:
        """Whether it is the next one, which is passed."""
        there = self._word == word
        if there:
            self._advance()
        return there

    def _key(self) -> Key:
        if self._kind == "double":
            name = self._read
            self._advance()
            return Key("", name)
        if self._kind != "key" or self._word:
            self._refuse("a key is expected, such as metrics.loss or tags.`a b`")
        parts = re.findall(r'`([^`]*)`|"([^"]*)"|([^.`"]+)', self._read)
        names = ["".join(part) for part in parts]
        self._advance()
        quoted_first = parts[0][2] == ""
        if len(names) == 1 or quoted_first:
            return Key("", ".".join(names))
        return Key(names[0].lower(), ".".join(names[1:]))

    def _value(self) -> Value:
        if self._kind not in ("number", "single", "double"):
            self._refuse("a value is a number, or text in quotation marks")
        found = Value(self._read, self._kind != "number")
        self._advance()
        return found

    def _list(self) -> tuple[Value, ...]:
        self._mark("(")
        found = [self._value()]
        while self._kind == "mark" and self._read == ",":
            self._advance()
            found.append(self._value())
        self._mark(")")
        return tuple(found)

    def _mark(self, wanted: str) -> None:
        if self._kind != "mark" or self._read != wanted:
            self._refuse(f"{wanted!r} is expected")
        self._advance()

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._next)
        if found is None:
            self._at = self._next
            self._refuse("this means nothing here")
        self._kind = str(found.lastgroup)
        self._read = found[self._kind]
        if self._kind == "single":
            self._read = self._read.replace("''", "'")
        low = self._read.lower()
        self._word = low if self._kind == "key" and low in _WORDS else ""
        self._at = found.start(self._kind)
        self._next = found.end()

    def _refuse(self, why: str) -> NoReturn:
        near = self._text[self._at : self._at + 40]
        shown = f"{self._text[:200]!r}"
        if self._what == _ORDER:
            raise MlflowError(f"Invalid order_by clause {shown}. Could not be parsed: {why}, at {near!r}.")
        raise MlflowError(f"Invalid clause(s) in filter string: {shown}: {why}, at {near!r}.")
