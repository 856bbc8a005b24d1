"""The words of a constraint, or of an expression that is written as text. No I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

from faena.kernel.errors import UserErrorException

LONGEST = 2_000
"""Characters of one."""
_LONGEST_NAME = 200
_WORDS = ("and", "or", "not", "in")

_OF_DICTS = frozenset("{}:")
_SPACES = frozenset(" \t\r\n")

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
    (?P<number>(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![\w.]))
  | (?P<word>[^\W\d]\w*+)
  | '(?P<single>(?:[^']|'')*+)'
  | "(?P<double>(?:[^"]|"")*+)"
  | `(?P<quoted>[^`]*+)`
  | (?P<mark>\*\*|//|<=|>=|!=|==|[-+*/%<>=()\[\]{}:,])
  | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_NAME = re.compile(r"-{0,2}[^\W\d]\w*+(?:[-.]\w++)*+")


class Tokens:
    """One after the other: `kind` is number, text, name (of a parameter), word, mark or end.

    `what`: is read, for messages. `braces`: whether there are dicts in it.
    """

    kind: str
    value: Any

    def __init__(
        self, text: str, names: Collection[str], *, what: str = "A constraint", braces: bool = False
    ) -> None:
        self.text = text
        self.names = names
        self._what = what
        self._braces = braces
        if len(text) > LONGEST:
            several = "; a space may have several" if not braces else ""
            raise UserErrorException(
                f"{what} has {len(text):,} characters. Give {LONGEST:,} at most{several}."
            )
        self._known = {name.replace("-", "_"): name for name in names} | {name: name for name in names}
        self._next = 0
        self._at = 0
        self._is_operand = False
        self.advance()

    def advance(self) -> None:
        """To the next one."""
        if self._take_name():
            return
        found = _TOKEN.match(self.text, self._next)
        if found is None:
            self._at = self._begin()
            self.refuse(
                "what begins here does not end."
                if self.text[self._at] in "'\"`"
                else "this means nothing here."
            )
        kind = str(found.lastgroup)
        self._at, self._next = found.start(kind) - (kind in ("single", "double", "quoted")), found.end()
        self.kind, self.value = kind, found[kind]
        if kind == "mark" and self.value in _OF_DICTS and not self._braces:
            self.refuse("this means nothing here.")
        if kind in ("single", "double"):
            quote = "'" if kind == "single" else '"'
            self.kind, self.value = "text", found[kind].replace(quote * 2, quote)
        elif kind == "quoted":
            self.kind, self.value = "name", self._known.get(found[kind].lstrip("-"))
            if self.value is None:
                self.kind, self.value = "word", found[kind]
        elif kind == "number":
            self.value = self._number(found[kind])
        self._is_operand = self.kind in ("number", "text", "name") or self.value in (")", "]")

    def _take_name(self) -> bool:
        """The longest name of a parameter that begins here, `batch-size` before `batch - size`."""
        start = self._begin()
        found = _NAME.match(self.text, start, start + _LONGEST_NAME + 2)
        if found is None or (self._is_operand and found[0][0] == "-"):
            return False
        written = found[0].lstrip("-")
        dashes = len(found[0]) - len(written)
        if written in _WORDS:
            return False
        while written:
            name = self._known.get(written)
            end = start + dashes + len(written)
            if name is not None and dashes != 1 and not self.text[end : end + 1].isidentifier():
                break
            written = written[: max(written.rfind("-"), written.rfind("."), 0)]
        else:
            return False
        if name in ("min", "max", "abs") and self.text[end : end + 100].lstrip()[:1] == "(":
            return False
        self.kind, self.value, self._at, self._next, self._is_operand = "name", name, start, end, True
        return True

    def _begin(self) -> int:
        """Where the next one begins."""
        start = self._next
        while self.text[start : start + 1] in _SPACES:
            start += 1
        return start

    def _number(self, text: str) -> float:
        if re.fullmatch(r"\d{1,40}", text):
            return int(text)
        number = float(text)
        if number == float("inf"):
            self.refuse("this number is too large.")
        return number

    def is_mark(self, mark: str) -> bool:
        return self.kind == "mark" and self.value == mark

    def is_call(self) -> bool:
        """Whether a bracket follows."""
        start = self._begin()
        return self.text[start : start + 1] == "("

    def skip(self, word: str) -> bool:
        """Goes on where this stands here."""
        if self.kind not in ("mark", "word") or self.value != word:
            return False
        self.advance()
        return True

    def skip_one_of(self, marks: Sequence[str]) -> str | None:
        for mark in marks:
            if self.is_mark(mark):
                self.advance()
                return mark
        return None

    def expect(self, mark: str, why: str) -> None:
        if not self.skip(mark):
            self.refuse(why)

    def refuse(self, why: str) -> NoReturn:
        """Raises UserErrorException with the text and a mark under the place."""
        start = max(0, self._at - 60)
        part = self.text[start : self._at + 30]
        seen = "".join(letter if letter.isprintable() else " " for letter in part)
        raise UserErrorException(
            f"{self._what} cannot be read: {why}\n  {seen}\n  {' ' * (self._at - start)}^"
        )

    def refuse_whole(self, why: str) -> NoReturn:
        self._at = 0
        self.refuse(why)
