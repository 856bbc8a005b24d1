"""Text of people on its way into HTML and SVG: the last step, and the only one."""

from __future__ import annotations

import re
from html import escape

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def html(text: str) -> str:
    """For the content of an element or of an attribute in double quotes."""
    return escape(_NO_XML.sub("�", text))


def svg(text: str) -> str:
    """The same for SVG, which is XML where it stands alone."""
    return escape(_NO_XML.sub("�", text)).replace("&#x27;", "&#39;")


def address(text: str) -> str:
    """For `href`; empty for what is no address of a page."""
    return html(text) if text.startswith(("http://", "https://", "file:")) else ""
