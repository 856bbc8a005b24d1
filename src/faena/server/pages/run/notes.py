"""Notes in Markdown as HTML that runs nothing: the one text of users that becomes elements of a page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from faena.server.pages import words

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST = 20_000
"""Characters that are read as Markdown; a longer note is shown as it was written."""
_SCHEMES = ("https://", "http://", "mailto:")
_OURS = "/ui/"
_ELSEWHERE = "noopener noreferrer nofollow"


def rendered(text: str) -> Markup:
    """HTML of a note: its own HTML is text, its links lead to the web or to our pages, its images are files of runs."""
    text = words.visible(text)
    if len(text) > LONGEST:
        return Markup("<pre>{}</pre>").format(text)
    return Markup(_reader().render(text))  # made by the reader, which lets no HTML through


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt  # few servers show a note

    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
    reader.validateLink = _is_safe  # type: ignore[method-assign,assignment]  # as its documentation says
    reader.add_render_rule("link_open", _link)
    reader.add_render_rule("image", _image)
    reader.add_render_rule("th_open", _cell)
    reader.add_render_rule("td_open", _cell)
    return reader


def _is_safe(address: str) -> bool:
    return address.lower().startswith(_SCHEMES) or address.startswith(_OURS)


def _link(reader: Any, tokens: Sequence[Token], place: int, options: Any, environment: Any) -> str:
    token = tokens[place]
    if not str(token.attrGet("href") or "").startswith(_OURS):
        token.attrSet("rel", _ELSEWHERE)
    return str(reader.renderToken(tokens, place, options, environment))


def _cell(reader: Any, tokens: Sequence[Token], place: int, options: Any, environment: Any) -> str:
    """Without a style of its own, which the pages' policy refuses."""
    tokens[place].attrs.pop("style", None)
    return str(reader.renderToken(tokens, place, options, environment))


def _image(reader: Any, tokens: Sequence[Token], place: int, options: Any, environment: Any) -> str:
    """An image of elsewhere is a link: nothing is fetched from there by whoever looks."""
    address = str(tokens[place].attrGet("src") or "")
    text = escape(tokens[place].content)
    if address.startswith(f"{_OURS}runs/") and "/images/" in address:
        return f'<img src="{escape(address)}" alt="{text}" loading="lazy">'
    return f'<a href="{escape(address)}" rel="{_ELSEWHERE}">{text or escape(address)}</a>'
