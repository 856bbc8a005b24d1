"""Files of lines as blocks of whole lines in UTF-8, whatever their encoding: as much as fits in memory at a time."""

from __future__ import annotations

import codecs
import io
import os

from faena.script.errors import UserErrorException
from faena.script.tabular.opened import Sameness, is_packed, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, NoReturn

SIZE = 4 << 20
LONGEST = 64 << 20
"""The longest record. A file without line breaks is no table, and would be read into memory whole."""

ENCODINGS = {
    "utf8": "utf-8",
    "utf8bom": "utf-8",
    "iso88591": "iso-8859-1",
    "latin1": "iso-8859-1",
    "ascii": "ascii",
    "utf16": "utf-16",
    "utf32": "utf-32",
    "windows1252": "cp1252",
}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf32"),
    (codecs.BOM_UTF32_BE, "utf32"),
    (codecs.BOM_UTF16_LE, "utf16"),
    (codecs.BOM_UTF16_BE, "utf16"),
)
_QUOTE = b'"'


def encoding_of(given: object) -> str:
    """Python's name of an encoding. Raises UserErrorException naming those that there are."""
    plain = str(given).lower().replace("-", "").replace("_", "")
    plain = {"cp1252": "windows1252", "usascii": "ascii", "utf8sig": "utf8bom"}.get(plain, plain)
    if plain not in ENCODINGS:
        raise UserErrorException(
            "The encoding {!r} is not known. Use one of: {}.".format(given, ", ".join(ENCODINGS))
        )
    return ENCODINGS[plain]


def blocks(
    path: str, name: str, encoding: str, size: int = SIZE, multi_line: bool = False
) -> Iterator[bytes]:
    """Whole lines; with `multi_line` records of several lines are not cut, as far as their quotes are in order.
    A block is there until the next one is asked for, which may be put into its place.

    `name`: what messages call the file. Raises UserErrorException naming file and line for bytes that are no text of
    that encoding, and for lines that are too long; OSError.
    """
    for number, block in enumerate(_unchecked(path, name, encoding, size, multi_line)):
        bad = _bad_byte(block)
        if bad is not None:
            at, why = bad
            line = (
                lines_before(path, name, encoding, size, multi_line, number) + block.count(b"\n", 0, at) + 1
            )
            raise UserErrorException("{}, line {}: {}".format(name, line, why))
        yield block


def lines_before(path: str, name: str, encoding: str, size: int, multi_line: bool, number: int) -> int:
    """How many lines lie before that block. They are counted when somebody asks, since few do."""
    found = 0
    for block in _unchecked(path, name, encoding, size, multi_line):
        if number == 0:
            break
        found += block.count(b"\n")
        number -= 1
    return found


def _unchecked(path: str, name: str, encoding: str, size: int, multi_line: bool) -> Iterator[bytes]:
    at, sameness = 0, Sameness(path, name)
    if encoding == "utf-8" and not multi_line and not is_packed(path):
        with open(path, "rb", buffering=0) as file:
            for block in _read_in_lines(file, name, size):
                at += len(block)
                yield block
    yield from _whole_lines(_pieces(path, name, encoding, size, at), name, multi_line)
    sameness.check()


def _read_in_lines(file: io.FileIO, name: str, size: int) -> Iterator[bytes]:
    """Blocks without copying one, as long as there is a line break in each; the first has no mark and one.

    They share their memory: to get it from the system for each costs half as much as reading the file.
    """
    block = bytearray(size)
    while True:
        block.extend(bytes(size - len(block)))
        del block[file.readinto(block) or 0 :]
        end = block.rfind(b"\n") + 1
        if not end or (file.tell() == len(block) and _without_mark(bytes(block[:4]), name) != block[:4]):
            return
        file.seek(end - len(block), os.SEEK_CUR)
        del block[end:]
        yield block  # type: ignore[misc]  # all that is done with bytes is done with it


def _bad_byte(block: bytes) -> tuple[int, str] | None:
    """Where a byte is that no text has, and what to do."""
    at = block.find(b"\0")
    if at >= 0:
        return at, (
            "a NUL byte, which no text has. If the file is text in UTF-16 or UTF-32, give encoding='utf16' or "
            "'utf32'; else it is no CSV or JSON lines."
        )
    if block.isascii():
        return None
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start, (
            "the byte 0x{:02x} is no UTF-8. Give the encoding that the file has, such as encoding='latin1' or "
            "'windows1252'.".format(block[error.start])
        )
    return None


def _pieces(path: str, name: str, encoding: str, size: int, start: int) -> Iterator[bytes]:
    """The file's bytes from `start` on in UTF-8, without a byte-order mark, its line breaks `\\n` or `\\r\\n`."""
    decoder = None
    first, old_mac, held = not start, False, b""
    with opened(path, name) as file:
        file.seek(start)
        while True:
            piece = file.read(size)
            end = not piece
            if first and encoding != "utf-8":
                decoder = codecs.getincrementaldecoder(_with_order(encoding, piece))()
            elif first:
                piece = _without_mark(piece, name)
            if decoder is not None:
                piece = _utf8(decoder, piece, end, name, encoding)
                if first and piece.startswith(codecs.BOM_UTF8):
                    piece = piece[3:]
            if first:
                old_mac = b"\r" in piece and b"\n" not in piece
            first = first and not piece
            if old_mac:
                piece = held + piece
                held = b"\r" if piece.endswith(b"\r") and not end else b""
                piece = piece[: len(piece) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if piece:
                yield piece
            if end:
                return


def _utf8(decoder: codecs.IncrementalDecoder, piece: bytes, end: bool, name: str, encoding: str) -> bytes:
    try:
        return decoder.decode(piece, end).encode("utf-8")
    except UnicodeError as error:
        raise UserErrorException(
            "{} is no text in {}: {}. Give the encoding that it has.".format(name, encoding, str(error)[:200])
        ) from None


def _with_order(encoding: str, piece: bytes) -> str:
    """UTF-16 and UTF-32 that say in no mark which byte of a letter comes first: the lower one, as on all machines,
    unless the first letter, which is one of ASCII in nearly all tables, begins with NUL bytes.
    """
    marked = encoding not in ("utf-16", "utf-32") or any(piece.startswith(mark) for mark, _ in _MARKS)
    if marked:
        return encoding
    return encoding + ("-be" if piece.startswith(b"\0\0\0" if encoding == "utf-32" else b"\0") else "-le")


def _without_mark(piece: bytes, name: str) -> bytes:
    if piece.startswith(codecs.BOM_UTF8):
        return piece[3:]
    for mark, encoding in _MARKS:
        if piece.startswith(mark):
            raise UserErrorException(
                "{} begins with the byte-order mark of {}. Give encoding={!r}.".format(
                    name, encoding.upper(), encoding
                )
            )
    return piece


def _whole_lines(pieces: Iterator[bytes], name: str, multi_line: bool) -> Iterator[bytes]:
    parts: list[bytes] = []
    length, inside = 0, False
    for piece in pieces:
        at = piece.rfind(b"\n")
        if multi_line:
            at = _record_end(piece, inside)
            odd = bool(piece.count(_QUOTE, at + 1) & 1)
            inside = odd if at >= 0 else inside != odd
        if at < 0:
            parts.append(piece)
            length += len(piece)
            if length > LONGEST:
                _too_long(name)
            continue
        yield b"".join([*parts, piece[: at + 1]])
        parts = [piece[at + 1 :]]
        length = len(parts[0])
    if length:
        yield b"".join(parts)


def _record_end(piece: bytes, inside: bool) -> int:
    """The last line break outside quotes, `inside` which the piece begins; -1 where there is none."""
    outside = inside == bool(piece.count(_QUOTE) & 1)
    end = len(piece)
    while True:
        quote = piece.rfind(_QUOTE, 0, end)
        at = piece.rfind(b"\n", quote + 1, end) if outside else -1
        if at >= 0 or quote < 0:
            return at
        end, outside = quote, not outside


def _too_long(name: str) -> NoReturn:
    raise UserErrorException(
        "{} has a record of more than {:,} bytes. Is it a table with one record a line, and are all its quotes "
        "closed?".format(name, LONGEST)
    )
