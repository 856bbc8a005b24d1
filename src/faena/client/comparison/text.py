"""A comparison for people, in 80 columns. No I/O."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from faena.comparison.model import Change, Section, Value

WIDTH = 80
Wrap = Callable[[str, str, str], list[str]]
_TITLES = {
    "status": "Status",
    "code": "Code",
    "git": "Git",
    "packages": "Packages",
    "arguments": "Script and arguments",
    "variables": "Environment variables",
    "data": "Data",
    "machine": "Machine",
    "phases": "Phases, in seconds",
    "metrics": "Metrics",
}
_NAME, _VALUE = 24, 18
_HARMLESS = {place: chr(0x2400 + place) for place in range(32) if chr(place) not in "\n\t"} | {127: "\u2421"}
"""Control characters as pictures: what stands in a file or name gives a terminal no orders."""


def shown(
    left: str, right: str, sections: Sequence[Section], width: int | None, *, whole: bool = False
) -> str:
    """Of two runs by their ids, at most `width` columns wide (None: any); `whole`: broken between words only."""
    wrap = partial(_wrapped, width=width, whole=whole)
    lines = [f"--- {left}", f"+++ {right}"]
    for section in sections:
        lines += _section(section, wrap)
    lines = [part for line in lines for part in _fitting(line, wrap, width)]
    return "\n".join(lines).translate(_HARMLESS)


def _section(section: Section, wrap: Wrap) -> Iterator[str]:
    title = _TITLES[section.name]
    if not section.changes:
        same = f"the same ({section.same:,})" if section.same else "nothing in either"
        yield f"{title}: {section.note or same}"
        return
    yield ""
    yield title
    for change in section.changes:
        yield from _file(change) if section.name == "code" else _row(change, wrap)
    if section.same:
        yield f"  {section.same:,} the same"
    if section.note:
        yield from wrap(section.note, "  ", "  ")


def _file(change: Change) -> Iterator[str]:
    sizes = " -> ".join(str(value) for value in (change.left, change.right) if value is not None)
    yield f"  {change.kind} {change.name} ({sizes})"
    for line in change.text.split("\n")[:-1]:
        yield f"    {line}"


def _fitting(line: str, wrap: Wrap, width: int | None) -> list[str]:
    """A line of code, or of whatever else came as it is: broken where it is too long, further in than it begins."""
    if width is None or len(line.expandtabs()) <= width:
        return [line]
    begin = len(line) - len(line.lstrip(" ")) + 1
    return wrap(line[begin:], line[:begin], " " * (begin + 1))


def _row(change: Change, wrap: Wrap) -> Iterator[str]:
    """Name, left, right, difference: in columns where they fit, else below each other, whole."""
    left, right = _value(change.left), _value(change.right)
    if len(change.name) > _NAME or max(len(left), len(right)) > _VALUE or "\n" in left + right:
        yield f"  {change.name}"
        for sign, value, given in (("-", left, change.left), ("+", right, change.right)):
            if given is not None:
                yield from wrap(value, f"    {sign} ", "      ")
        if change.difference is not None:
            yield f"    {change.difference:+.6g}"
        return
    difference = "" if change.difference is None else f"{change.difference:+.6g}"
    yield f"  {change.name:<{_NAME}} {left:>{_VALUE}} {right:>{_VALUE}} {difference:>14}".rstrip()


def _wrapped(text: str, first: str, others: str, *, width: int | None, whole: bool) -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        begin = others if lines else first
        if width is None or len(f"{begin}{line}".expandtabs()) <= width:
            lines.append(f"{begin}{line}".rstrip())
            continue
        lines += textwrap.wrap(
            line,
            width,
            initial_indent=begin,
            subsequent_indent=others,
            break_on_hyphens=False,
            break_long_words=not whole,
            replace_whitespace=False,
        ) or [begin.rstrip()]
    return lines


def _value(value: Value) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
