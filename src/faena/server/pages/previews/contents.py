"""A file of a run as a page shows it: an image, text, a table, a chart, or what its arrays are."""

from __future__ import annotations

import codecs
import csv
import io
from typing import IO

from msgspec import Struct

from faena.server.pages import console
from faena.server.pages.previews import arrays, charted, images, tables

_TEXT = 256 << 10
"""Bytes of a file's beginning that are shown."""
_MOST_LINES = 3000
_SEPARATORS = ",;\t|"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Preview(Struct, frozen=True):
    """One of these, or why there is none."""

    is_image: bool = False
    text: str = ""
    table: tables.Table | None = None
    arrays: arrays.Arrays | None = None
    charted: charted.Charted | None = None
    said: str = ""
    is_cut: bool = False
    """Whether the file has more than is shown."""


def preview(name: str, file: IO[bytes], size: int) -> Preview:
    """Blocks; reads at most a few megabytes, whatever the file holds."""
    if not size:
        return Preview(said="This file is empty.")
    head = file.read(_TEXT)
    if images.media_type(head[: images.HEAD]):
        if size > images.LARGEST:
            return Preview(said="This image is too large to be shown here.")
        return Preview(is_image=True)
    if head[:6] == b"\x93NUMPY" or head[:4] == b"PK\x03\x04":
        return _arrays(name, file, head)
    if head.lstrip()[:1] == b"{" and size <= charted.LARGEST:
        found = charted.read(head + file.read(charted.LARGEST))
        if found is not None:
            return Preview(charted=found)
    text = _decoded(head, whole=len(head) == size)
    if text is None:
        return Preview(said="This file is not text. Save it to look into it.")
    if name.lower().endswith((".csv", ".tsv")) and (table := _table(name, text, len(head) == size)):
        return Preview(table=table, is_cut=table.all_rows is None or table.all_rows > len(table.rows))
    lines = text.splitlines(keepends=True)
    shown = console.shown("".join(lines[:_MOST_LINES]))
    return Preview(text=shown.text + shown.open, is_cut=len(head) < size or len(lines) > _MOST_LINES)


def _arrays(name: str, file: IO[bytes], head: bytes) -> Preview:
    try:
        if head[:6] == b"\x93NUMPY":
            return Preview(arrays=arrays.of_npy(io.BytesIO(head)))
        if name.lower().endswith(".npz"):
            return Preview(arrays=arrays.of_npz(file))
    except arrays.Unreadable as error:
        return Preview(said=str(error))
    return Preview(said="This file is an archive. Save it to look into it.")


def _decoded(head: bytes, *, whole: bool) -> str | None:
    """None for what is no text. A character that the cut went through is left out."""
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in head:
        return None
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(head, final=whole)
    except UnicodeDecodeError:
        return head.decode("cp1252", "replace") if _reads_as_text(head) else None


def _reads_as_text(head: bytes) -> bool:
    """Of an older encoding: hardly any control characters."""
    controls = sum(head.count(bytes([each])) for each in range(32) if each not in (9, 10, 12, 13, 27))
    return controls * 100 < len(head)


def _table(name: str, text: str, whole: bool) -> tables.Table | None:
    """None for what cannot be read as one."""
    first = text.partition("\n")[0]
    by_name = "\t" if name.lower().endswith(".tsv") else ","
    separator = max(_SEPARATORS, key=lambda each: (first.count(each), each == by_name))
    lines: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    count = 0
    try:
        for line in reader:
            if not line:
                continue
            count += 1
            if count <= tables.MOST_ROWS + 1:
                lines.append(line)
    except csv.Error:
        return None
    if not whole and count == len(lines) and len(lines) > 1:
        lines.pop()  # it may be cut
    return tables.of_lines(lines, count - 1 if whole else None)
