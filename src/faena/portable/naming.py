"""Under which names files lie in an exported folder: under their own, where every file system takes and keeps them.

A name that one does not take, or takes for that of another file, gets a place of its own beside: `run.json` says which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from unicodedata import normalize

from faena.kernel import digests

_OUTPUTS = "outputs/"
_LONGEST_PART = 255
_ASIDE = ".renamed"
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE | re.DOTALL)
"""Devices, to Windows, with whatever ending."""


def places_of_files(names: Iterable[str]) -> dict[str, str]:
    """By name: outputs under their own names, others below `files`."""
    return _placed(names, lambda name: name if name.startswith(_OUTPUTS) else f"files/{name}", "files")


def places_of_logs(attempt: int, rank: int, names: Iterable[str]) -> dict[str, str]:
    """By name, of the logs of one attempt and rank."""
    folder = f"logs/attempt-{attempt}/rank-{rank}"
    return _placed(names, lambda name: f"{folder}/{name}", folder)


def _placed(names: Iterable[str], plain: Callable[[str], str], folder: str) -> dict[str, str]:
    found: dict[str, str] = {}
    files: set[str] = set()
    folders: dict[str, str] = {}
    """As a file system that tells no case apart has them, and how they are spelled here."""
    for name in sorted(names):
        path = plain(name)
        above = _above(path)
        fits = _is_plain(name) and _twin(path) not in files and _twin(path) not in folders
        if fits and all(
            _twin(each) not in files and folders.get(_twin(each), each) == each for each in above
        ):
            files.add(_twin(path))
            folders |= {_twin(each): each for each in above}
            found[name] = path
        else:
            found[name] = f"{folder}/{_ASIDE}/{digests.of_bytes(name.encode())}"
    return found


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _twin(path: str) -> str:
    return normalize("NFC", normalize("NFC", path).casefold())


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return (
        parts[0] != _ASIDE
        and normalize("NFC", name) == name
        and not any(ord(letter) < 32 or letter in "\\\x7f" for letter in name)
        and all(len(part.encode()) <= _LONGEST_PART for part in parts)
        and not any(part.endswith((".", " ")) or _RESERVED.fullmatch(part) for part in parts)
    )
