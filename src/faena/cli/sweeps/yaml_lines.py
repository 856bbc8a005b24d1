"""YAML 1.2 as plain values, with the line of each: what people write by hand, without YAML's traps.

Only `true` and `false` are booleans, `1e-3` is a number, and a key cannot be there twice. An alias is the value that it
stands for; what all of them unfold to is bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faena.kernel.errors import UserErrorException

if TYPE_CHECKING:
    from yaml.events import Event, ScalarEvent

Path = tuple[str | int, ...]

MOST_BYTES = 500_000
_MOST_VALUES = 100_000
"""With what aliases stand for."""
_DEEPEST = 30
_LONGEST_SHOWN = 80

_INTEGER = re.compile(r"[-+]?\d{1,100}|0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT = re.compile(r"[-+]?(?:\.\d++|\d++(?:\.\d*+)?)(?:[eE][-+]?\d++)?")
_INFINITY = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_CONSTANTS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))
_NOT_A_NUMBER = frozenset((".nan", ".NaN", ".NAN"))


@dataclass(frozen=True, slots=True)
class Document:
    value: Any
    lines: dict[Path, int]
    """By the keys and indexes that lead to a value, from 1."""
    texts: dict[Path, str]
    """Of values that are no lists and no dicts, as they were written."""

    def line(self, path: Path) -> int | None:
        """That of the value, or of the nearest one around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)


class YamlError(UserErrorException):
    """`line` is where, from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class _Open:
    """A list or a dict that has begun."""

    value: list[Any] | dict[str, Any]
    path: Path
    anchor: str | None
    size: int = 1
    key: str | None = None
    keys: dict[str, int] = field(default_factory=dict)


def read(text: bytes) -> Document:
    """Raises YamlError."""
    if len(text) > MOST_BYTES:
        raise YamlError(f"it has {len(text):,} bytes. Give {MOST_BYTES:,} at most.")
    try:
        written = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise YamlError("it is no text in UTF-8.", line) from None
    return _Reader().document(written)


def _events(text: str) -> Iterator[Event]:
    import yaml

    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        why = " ".join(str(each) for each in (error.context, error.problem) if each)
        raise YamlError(f"it is no YAML: {why}.", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:  # a character that YAML does not have
        raise YamlError(f"it is no YAML: {' '.join(str(error).split())}.") from None


class _Reader:
    def __init__(self) -> None:
        self._lines: dict[Path, int] = {}
        self._texts: dict[Path, str] = {}
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int, str | None]] = {}
        self._values = 0
        self._whole: list[Any] = []

    def document(self, text: str) -> Document:
        import yaml

        documents = 0
        for event in _events(text):
            line = _line(event)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlError("a second document begins here. Leave one out.", line)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(str(event.anchor), line)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event, line)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event, line, {} if isinstance(event, yaml.MappingStartEvent) else [])
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end()
        return Document(self._whole[0] if self._whole else None, self._lines, self._texts)

    def _alias(self, name: str, line: int) -> None:
        if name not in self._anchors:
            raise YamlError(f"*{name[:_LONGEST_SHOWN]} stands for nothing that is complete here.", line)
        value, size, text = self._anchors[name]
        self._put(value, size, line, text)

    def _scalar(self, event: ScalarEvent, line: int) -> None:
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event, line)
            return
        value = _resolved(event, line)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, event.value)
        self._put(value, 1, line, event.value)

    def _key(self, top: _Open, event: ScalarEvent, line: int) -> None:
        key = event.value
        if key == "<<" and event.style is None:
            raise YamlError("a merge (<<) is not read here. Write its keys out.", line)
        if key in top.keys:
            raise YamlError(
                f"{key[:_LONGEST_SHOWN]!r} is there twice, first in line {top.keys[key]}. Leave one out.",
                line,
            )
        top.keys[key] = line
        top.key = key

    def _begin(self, event: Any, line: int, value: list[Any] | dict[str, Any]) -> None:
        _check_tag(event.tag, line)
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            raise YamlError("a key is a text.", line)
        if len(self._open) >= _DEEPEST:
            raise YamlError(f"it is nested deeper than {_DEEPEST}.", line)
        path = self._place(line)
        self._open.append(_Open(value, path, event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size, None)
        self._attach(done.value, done.size, None)

    def _put(self, value: Any, size: int, line: int, text: str | None) -> None:
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            raise YamlError("a key is a text.", line)
        path = self._place(line)
        if text is not None:
            self._texts[path] = text
        self._attach(value, size, line)

    def _place(self, line: int) -> Path:
        """The path of the value that comes, whose line is kept: of a dict's that of its key."""
        if not self._open:
            path: Path = ()
        else:
            top = self._open[-1]
            last = str(top.key) if isinstance(top.value, dict) else len(top.value)
            path = (*top.path, last)
            line = top.keys.get(str(top.key), line) if isinstance(top.value, dict) else line
        self._lines[path] = line
        return path

    def _attach(self, value: Any, size: int, line: int | None = None) -> None:
        self._values += 1
        if not self._open:
            self._whole.append(value)
            return
        top = self._open[-1]
        top.size += size
        if max(top.size, self._values) > _MOST_VALUES:
            raise YamlError(f"it holds more than {_MOST_VALUES:,} values.", line)
        if isinstance(top.value, dict):
            top.value[str(top.key)] = value
            top.key = None
        else:
            top.value.append(value)


def _line(event: Event) -> int:
    mark: Any = event.start_mark  # which events of a text have
    return int(mark.line) + 1


def _check_tag(tag: str | None, line: int) -> None:
    if tag not in (None, "!"):
        raise YamlError(f"the tag {str(tag)[:_LONGEST_SHOWN]!r} is not read here. Leave it out.", line)


def _resolved(event: ScalarEvent, line: int) -> Any:
    text: str = event.value
    if event.tag == "tag:yaml.org,2002:str":
        return text
    _check_tag(event.tag, line)
    if event.style is not None:  # in quotes, or a block
        return text
    if text in _NOTHING:
        return None
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if found := _INFINITY.fullmatch(text):
        return -math.inf if found[1] == "-" else math.inf
    return math.nan if text in _NOT_A_NUMBER else text
