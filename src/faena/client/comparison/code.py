"""Compares two source folders by their manifests; reads only files that differ. No I/O of its own."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from faena.client.comparison.model import Change, Section
from faena.data.schemas import SnapshotFile

LONGEST = 1 << 20
"""Bytes of a file that is shown line by line."""
_MOST_LINES = 20_000
"""Of both together: comparing takes time that grows with their product."""
_LOOKED_AT = 8192
"""Bytes in which a NUL makes a file binary, as git has it."""

Read = Callable[[str], bytes]


def compare(left: Iterable[SnapshotFile], right: Iterable[SnapshotFile], read: Read) -> Section:
    """`read` gives the bytes of a digest."""
    before, after = {file.path: file for file in left}, {file.path: file for file in right}
    changes, same = [], 0
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            same += 1
        else:
            changes.append(_change(path, old, new, read))
    return Section("code", tuple(_with_moves(changes, before, after)), same)


def _change(path: str, old: SnapshotFile | None, new: SnapshotFile | None, read: Read) -> Change:
    text, why = "", ""
    if old is None or new is None or old.digest != new.digest:
        text, why = _diff(path, old, new, read)
    return Change(path, _shown(old, why, new), _shown(new, why, old), text=text)


def _shown(file: SnapshotFile | None, why: str, other: SnapshotFile | None) -> str | None:
    if file is None:
        return None
    mode = ""
    if other is not None and other.executable != file.executable:
        mode = ", executable" if file.executable else ", not executable"
    return f"{file.size:,} bytes{', ' + why if why else ''}{mode}"


def _diff(path: str, old: SnapshotFile | None, new: SnapshotFile | None, read: Read) -> tuple[str, str]:
    """(unified diff, why there is none)."""
    if any(file is not None and file.size > LONGEST for file in (old, new)):
        return "", "too large to show"
    texts = [_text(read(file.digest)) if file is not None else "" for file in (old, new)]
    before, after = texts
    if before is None or after is None:
        return "", "binary"
    lines = _lines(before), _lines(after)
    if sum(map(len, lines)) > _MOST_LINES and old is not None and new is not None:
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


def _with_moves(
    changes: list[Change], before: dict[str, SnapshotFile], after: dict[str, SnapshotFile]
) -> Iterable[Change]:
    """A file that went, and came under another name with the same bytes, says so and is not printed twice."""
    gone = {before[change.name].digest: change.name for change in changes if change.kind == "removed"}
    came = {after[change.name].digest: change.name for change in changes if change.kind == "added"}
    for change in changes:
        old, new = before.get(change.name), after.get(change.name)
        if change.kind == "added" and new is not None and new.size and new.digest in gone:
            yield Change(change.name, None, f"{new.size:,} bytes, moved from {gone[new.digest]}")
        elif change.kind == "removed" and old is not None and old.size and old.digest in came:
            yield Change(change.name, f"{old.size:,} bytes, moved to {came[old.digest]}", None)
        else:
            yield change
