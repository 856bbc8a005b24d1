"""Where fields of a line of CSV end, as pandas reads them: a field is quoted if a quote is its first character."""

from __future__ import annotations

_QUOTE = b'"'


def scan(line: bytes, separator: bytes, inside: bool = False) -> tuple[int, bool]:
    """(separators outside quotes, whether a quoted field is open at the end). `inside`: whether one is at the start."""
    at = count = 0
    while True:
        if inside or line.startswith(_QUOTE, at):
            at = _closed(line, at if inside else at + 1)
            inside = False
            if at < 0:
                return count, True
        at = line.find(separator, at)
        if at < 0:
            return count, False
        at += 1
        count += 1


def line_count(block: bytes) -> int:
    return block.count(b"\n") + (not block.endswith(b"\n"))


def closed_lines(block: bytes, separator: bytes, multi_line: bool = False) -> tuple[bytes, int | None]:
    """The block with each quoted field closed that a line leaves open: a line break ends the record then. And the
    first such line, from 0. With `multi_line` it is left as it is.
    """
    if multi_line:
        return block, None
    first = None
    lines = block.split(b"\n")
    for number, line in enumerate(lines):
        if _QUOTE in line and scan(line, separator)[1]:
            lines[number] = line[:-1] + b'"\r' if line.endswith(b"\r") else line + _QUOTE
            first = number if first is None else first
    return b"\n".join(lines), first


def end_of_first(block: bytes, separator: bytes, multi_line: bool) -> int:
    """Where the first record of the block ends; 0 where it has none."""
    at, inside = 0, False
    while at < len(block):
        end = block.find(b"\n", at) + 1 or len(block)
        line = block[at:end]
        if inside or line.strip():
            inside = multi_line and scan(line, separator, inside)[1]
            if not inside:
                return end
        at = end
    return len(block) if inside else 0


def too_many(block: bytes, separator: bytes, fields: int) -> tuple[int, int] | None:
    """(line in the block, its fields) of the first record that has more than so many; lines count from 0."""
    begun, count, inside = 0, 0, False
    for number, line in enumerate(block.split(b"\n")):
        if not inside:
            begun, count = number, 0
        found, inside = scan(line, separator, inside)
        count += found
        if not inside and count + 1 > fields and line.strip():
            return begun, count + 1
    return None


def first_fields(block: bytes, separator: bytes, multi_line: bool) -> int:
    """How many fields the first record of a block has."""
    at, count, inside = 0, 0, False
    while at < len(block):
        end = block.find(b"\n", at)
        line = block[at : end if end >= 0 else len(block)]
        if inside or line.strip():
            found, inside = scan(line, separator, inside)
            count += found
            if not inside or not multi_line:
                return count + 1
        at += len(line) + 1
    return count + 1


def line_of_record(block: bytes, separator: bytes, record: int) -> int:
    """The line in the block at which a record begins; blank lines are no records, and both count from 0."""
    inside, seen = False, -1
    for number, line in enumerate(block.split(b"\n")):
        if not inside and line.strip():
            seen += 1
            if seen == record:
                return number
        inside = scan(line, separator, inside)[1]
    return 0


def opened(block: bytes, separator: bytes) -> int:
    """The line in the block at which the record begins that is open at its end."""
    begun, inside = 0, False
    for number, line in enumerate(block.split(b"\n")):
        if not inside:
            begun = number
        inside = scan(line, separator, inside)[1]
    return begun


def _closed(line: bytes, at: int) -> int:
    """Behind the quote that closes a field; -1 where none does."""
    while True:
        at = line.find(_QUOTE, at)
        if at < 0:
            return -1
        if not line.startswith(_QUOTE, at + 1):
            return at + 1
        at += 2
