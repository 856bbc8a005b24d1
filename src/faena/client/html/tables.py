"""Tables and links as HTML. What is given as a text is escaped here; `Html` was made here. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import wraps
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from faena.kernel.errors import FaenaError

if TYPE_CHECKING:
    from faena.runs.list_schemas import RunRow

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LONGEST = 300
_MOST_MARKS = 10


class Html(str):
    """A text that needs no escaping any more."""

    __slots__ = ()


def text(value: object) -> Html:
    """Any value as its text, of a long one the beginning."""
    if isinstance(value, Html):
        return value
    shown = "" if value is None else str(value)
    cut = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    return Html(escape(_NO_TEXT.sub("�", cut)))


def link(address: str | None, shown: object = None) -> Html:
    """`shown`, or "open", as a link; without an address of a page the text alone, or nothing."""
    if not address or not address.startswith(("http://", "https://", "file:")):
        return text(shown)
    said = "open, as of now" if address.startswith("file:") else "open"
    return Html(
        f'<a href="{escape(address)}" target="_blank" rel="noopener">{text(said if shown is None else shown)}</a>'
    )


def facts(cells: Mapping[str, object]) -> str:
    """One row under names; what is empty is left out."""
    kept = {name: cell for name, cell in cells.items() if text(cell)}
    return table(tuple(kept), [tuple(kept.values())])


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], more: str = "") -> str:
    """`more`: what is not in it, below."""
    head = "".join(f"<th>{text(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    below = f"<p>{text(more)}</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def when(micros: int | None) -> str:
    """On this host's clock."""
    if micros is None:
        return ""
    return f"{datetime.fromtimestamp(micros / 1e6, UTC).astimezone():%d %b %Y, %H:%M:%S}".lstrip("0")


def marks(given: Mapping[str, str]) -> str:
    """Tags, as one writes them in a row."""
    return ", ".join(f"{key}: {value}" if value else key for key, value in list(given.items())[:_MOST_MARKS])


def for_people(build: Callable[[Any], str]) -> Callable[[Any], str]:
    """A `_repr_html_` that says what is wrong where the server does not tell: looking at a handle raises nothing."""

    @wraps(build)
    def shown(handle: Any) -> str:
        try:
            return build(handle)
        except FaenaError as error:
            return facts({type(handle).__name__: error.message})

    return shown


class Linker(Protocol):
    def address(self, *parts: str) -> str | None:
        """Of a page below `/ui`."""


def runs(rows: Iterable[RunRow], pages: Linker) -> str:
    return table(
        ("Run", "Status", "Created", "Took", "Tags"),
        [
            (
                link(pages.address("runs", row.id), row.name or row.id),
                row.status,
                when(row.created_at),
                "" if row.started_at is None or row.ended_at is None else took(row.ended_at - row.started_at),
                marks(row.tags),
            )
            for row in rows
        ],
    )


def took(micros: int | None) -> str:
    return "" if micros is None else f"{max(0, micros) / 1e6:,.2f} s"
