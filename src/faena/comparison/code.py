"""Compares two source folders by their manifests; reads only files that differ. No I/O of its own."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from faena.comparison.model import Change, Section
from faena.data.schemas import SnapshotFile
from faena.kernel.plural import counted

LONGEST = 1 << 20
"""Bytes of a file that is shown line by line."""
_MOST_LINES = 20_000
"""Of both together: comparing takes time that grows with their product."""
_MOST_FILES = 1000
_LOOKED_AT = 8192
"""Bytes in which a NUL makes a file binary, as git has it."""

Read = Callable[[str], bytes | None]


def compare(
    left: Iterable[SnapshotFile],
    right: Iterable[SnapshotFile],
    read: Read,
    most_lines: int = _MOST_LINES,
    most_files: int = _MOST_FILES,
) -> Section:
    """`read` gives the bytes of a digest, None where they are gone. The bounds are of what is shown line by line."""
    before, after = {file.path: file for file in left}, {file.path: file for file in right}
    changes: list[Change] = []
    same = 0
    moved = _moved(before, after)
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            same += 1
            continue
        text, why = "", moved.get(path, "")
        if not why and (old is None or new is None or old.digest != new.digest):
            text, why = (
                _diff(path, old, new, read, most_lines) if len(changes) < most_files else ("", "not shown")
            )
        changes.append(Change(path, _shown(old, why, new), _shown(new, why, old), text=text))
    note = (
        "" if len(changes) <= most_files else f"Only the first {most_files:,} files are shown line by line."
    )
    return Section("code", tuple(changes), same, note)


def _moved(before: dict[str, SnapshotFile], after: dict[str, SnapshotFile]) -> dict[str, str]:
    """Where files went, or came from, whose bytes are there under another name: they are not shown twice."""
    gone = {file.digest: path for path, file in before.items() if path not in after and file.size}
    came = {file.digest: path for path, file in after.items() if path not in before and file.size}
    moved = {came[digest]: f"moved from {gone[digest]}" for digest in gone.keys() & came.keys()}
    return moved | {gone[digest]: f"moved to {came[digest]}" for digest in gone.keys() & came.keys()}


def _shown(file: SnapshotFile | None, why: str, other: SnapshotFile | None) -> str | None:
    if file is None:
        return None
    mode = ""
    if other is not None and other.executable != file.executable:
        mode = ", executable" if file.executable else ", not executable"
    return f"{counted(file.size, 'byte')}{', ' + why if why else ''}{mode}"


def _diff(
    path: str, old: SnapshotFile | None, new: SnapshotFile | None, read: Read, most_lines: int
) -> tuple[str, str]:
    """(unified diff, why there is none)."""
    if any(file is not None and file.size > LONGEST for file in (old, new)):
        return "", "too large to show"
    data = [read(file.digest) if file is not None else b"" for file in (old, new)]
    if data[0] is None or data[1] is None:
        return "", "its bytes are gone"
    before, after = _text(data[0]), _text(data[1])
    if before is None or after is None:
        return "", "binary"
    lines = _lines(before), _lines(after)
    if sum(map(len, lines)) > most_lines and old is not None and new is not None:
        return "", "too many lines to compare"
    names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null")
    shown = [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(*lines, *names)
    ]
    return "".join(shown), ""


def _lines(text: str) -> list[str]:
    """With their ends. Only a line feed ends one, unlike for `splitlines`."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def _text(data: bytes) -> str | None:
    """None for what is no text."""
    if b"\0" in data[:_LOOKED_AT]:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
