"""GraphQL's text: operations and fragments, as values. No I/O.

    document   = { operation | "fragment" name "on" name selections }
    operation  = selections | ("query" | "mutation") [ name ] [ variables ] selections
    selections = "{" { field | "..." name | "..." [ "on" name ] selections } "}"
    field      = [ alias ":" ] name [ "(" { name ":" value } ")" ] [ selections ]

Directives may stand where GraphQL has them; `skip` and `include` are heeded.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from msgspec import Struct, field

LONGEST = 200_000
"""Characters of a document."""
_DEEPEST = 100
_TOKEN = re.compile(
    r"""[\s,\ufeff]*+(?:\#[^\n]*+[\s,]*+)*+(?:
    (?P<name>[A-Za-z_]\w*+)
  | (?P<number>-?\d++(?:\.\d++)?(?:[eE][-+]?\d++)?)
  | \"{3}(?P<block>(?:[^"]|"(?!""))*+)\"{3}
  | (?P<text>"(?:[^"\\\n]|\\.)*+")
  | (?P<mark>\.\.\.|[!$&():=@\[\]{|}])
  | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_CONDITIONS = {"skip": False, "include": True}


class Malformed(Exception):
    """The document cannot be read."""


class Variable(Struct, frozen=True):
    name: str


class Condition(Struct, frozen=True):
    value: Any
    wanted: bool


class Field(Struct, frozen=True):
    name: str
    alias: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    selections: tuple[Selection, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def key(self) -> str:
        return self.alias or self.name


class Spread(Struct, frozen=True):
    name: str
    conditions: tuple[Condition, ...] = ()


class Inline(Struct, frozen=True):
    selections: tuple[Selection, ...]
    conditions: tuple[Condition, ...] = ()


Selection = Field | Spread | Inline


class Operation(Struct, frozen=True):
    kind: str
    name: str
    selections: tuple[Selection, ...]
    defaults: dict[str, Any] = field(default_factory=dict)


class Document(Struct, frozen=True):
    operations: tuple[Operation, ...]
    fragments: dict[str, tuple[Selection, ...]]


def parse(text: str) -> Document:
    """Raises Malformed with what cannot be read."""
    if len(text) > LONGEST:
        raise Malformed(f"The query has {len(text):,} characters; at most {LONGEST:,} are read.")
    return _Parser(text).document()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._next = 0
        self._depth = 0
        self._advance()

    def document(self) -> Document:
        operations: list[Operation] = []
        fragments: dict[str, tuple[Selection, ...]] = {}
        while self._kind != "end":
            if self._skip("fragment"):
                name = self._name()
                self._expect("on")
                self._name()
                self._directives()
                fragments[name] = self._selections()
            else:
                operations.append(self._operation())
        return Document(tuple(operations), fragments)

    def _operation(self) -> Operation:
        if self._is_mark("{"):
            return Operation("query", "", self._selections())
        kind = self._name()
        if kind not in ("query", "mutation"):
            self._refuse()
        name = self._name() if self._kind == "name" else ""
        defaults = self._variables()
        self._directives()
        return Operation(kind, name, self._selections(), defaults)

    def _variables(self) -> dict[str, Any]:
        defaults: dict[str, Any] = {}
        if self._skip("("):
            while not self._skip(")"):
                self._expect("$")
                name = self._name()
                self._expect(":")
                self._type()
                if self._skip("="):
                    defaults[name] = self._value()
                self._directives()
        return defaults

    def _type(self) -> None:
        depth = 0
        while self._skip("["):
            depth += 1
        self._name()
        self._skip("!")
        for _ in range(depth):
            self._expect("]")
            self._skip("!")

    def _selections(self) -> tuple[Selection, ...]:
        self._enter()
        self._expect("{")
        found: list[Selection] = []
        while not self._skip("}"):
            found.append(self._selection())
        self._depth -= 1
        return tuple(found)

    def _selection(self) -> Selection:
        if self._skip("..."):
            if self._kind == "name" and self._read != "on":
                return Spread(self._name(), self._directives())
            if self._skip("on"):
                self._name()
            conditions = self._directives()
            return Inline(self._selections(), conditions)
        name, alias = self._name(), ""
        if self._skip(":"):
            name, alias = self._name(), name
        arguments = self._arguments()
        conditions = self._directives()
        selections = self._selections() if self._is_mark("{") else ()
        return Field(name, alias, arguments, selections, conditions)

    def _arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._skip("("):
            while not self._skip(")"):
                name = self._name()
                self._expect(":")
                found[name] = self._value()
        return found

    def _directives(self) -> tuple[Condition, ...]:
        found: list[Condition] = []
        while self._skip("@"):
            name, arguments = self._name(), self._arguments()
            if name in _CONDITIONS:
                found.append(Condition(arguments.get("if"), _CONDITIONS[name]))
        return tuple(found)

    def _value(self) -> Any:
        self._enter()
        value: Any
        if self._skip("$"):
            value = Variable(self._name())
        elif self._skip("["):
            value = []
            while not self._skip("]"):
                value.append(self._value())
        elif self._skip("{"):
            value = {}
            while not self._skip("}"):
                name = self._name()
                self._expect(":")
                value[name] = self._value()
        else:
            value = self._plain()
        self._depth -= 1
        return value

    def _plain(self) -> Any:
        kind, read = self._kind, self._read
        if kind in ("end", "mark"):
            self._refuse()
        self._advance()
        if kind == "name":
            return {"true": True, "false": False, "null": None}.get(read, read)
        if kind == "block":
            return read.strip()
        try:
            return json.loads(read)
        except ValueError:
            self._refuse()

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Malformed(f"Syntax Error: nested more than {_DEEPEST} deep.")

    def _is_mark(self, wanted: str) -> bool:
        return self._kind == "mark" and self._read == wanted

    def _name(self) -> str:
        if self._kind != "name":
            self._refuse()
        found = self._read
        self._advance()
        return found

    def _skip(self, wanted: str) -> bool:
        """Whether it is the next mark or word, which is passed."""
        there = self._kind in ("mark", "name") and self._read == wanted
        if there:
            self._advance()
        return there

    def _expect(self, wanted: str) -> None:
        if not self._skip(wanted):
            self._refuse()

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._next)
        if found is None:
            self._kind, self._read = "mark", self._text[self._next : self._next + 20]
            self._refuse()
        self._kind = str(found.lastgroup)
        self._read = found[self._kind]
        self._next = found.end()

    def _refuse(self) -> NoReturn:
        read = self._read[:40] if self._kind != "end" else "<EOF>"
        raise Malformed(f"Syntax Error: Unexpected {read!r}.")
