"""Text files as people's editors and shells write them."""

from __future__ import annotations

import codecs
import re

_MARKS = (  # UTF-32's first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_CODING = re.compile(rb"[ \t]*#[^\n]{0,200}?coding[:=][ \t]*([-\w.]{1,40})")
_NAMED = re.compile(
    r"(utf[-_]?8|ascii|us-ascii|latin-?1|iso-?8859-?\d{1,2}|windows-?125\d|cp125\d|cp437|cp850)",
    re.IGNORECASE,
)


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 or UTF-32 as PowerShell's `>` writes it, without its byte-order mark;
    in another encoding where a comment of its first two lines names one, as pip and Python have it. Line ends become
    `\\n`. Raises UnicodeDecodeError.
    """
    return _decoded(data).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding)
    # Without a mark: ASCII letters have a zero byte after or before them.
    if len(data) >= 4 and data[1] == data[3] == 0 and data[0] and data[2]:
        return data.decode("utf-16-le")
    if len(data) >= 4 and data[0] == data[2] == 0 and data[1] and data[3]:
        return data.decode("utf-16-be")
    for line in data.split(b"\n", 2)[:2]:
        found = _CODING.match(line)
        if found and _NAMED.fullmatch(name := found[1].decode("ascii", "replace")):
            return data.decode(name)
    return data.decode("utf-8")
