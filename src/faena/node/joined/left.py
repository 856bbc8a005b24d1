"""What earlier runners left on this host's disk: brought to its end where the server wants it.

A runner asks about that of its own name when it joins, and has the rest removed. The name of another one that is gone
may never come back, as a Ray cluster's do not: what that left is brought by whoever is there, and else stays.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

from faena.attempts import records
from faena.attempts.api import ServerApi
from faena.attempts.folder import ATTEMPTS, AttemptFolder
from faena.attempts.key import AttemptKey
from faena.attempts.records import ORDER, PROCESS_ORDER, UnreadableRecord
from faena.kernel.discovery import is_held
from faena.node import attempt, children


def open_attempts(folder: Path) -> list[str]:
    """Those that can be brought to their end, by name; runs below others last, as they began."""
    found = [(_is_below(path), key.name) for path, key in _attempts(folder) if _token(path)]
    return [name for _, name in sorted(found)]


def adopt(folder: Path, names: Iterable[str], api: ServerApi) -> None:
    """Finish these. One that cannot be keeps none of the others from it, and stays for the next runner."""
    for name in names:
        key = AttemptKey.of_name(name)
        path = key.folder(folder / ATTEMPTS)
        print(f"bringing what is left of {name}", flush=True)
        try:
            own = api.by(_token(path))
            if _is_below(path):
                children.end_left(own, path)
            else:
                attempt.adopt(key, folder / ATTEMPTS, own)
        except Exception:  # noqa: BLE001  whatever it is, the node serves
            traceback.print_exc()


def adopt_of(gone: Iterable[Path], api: ServerApi, tried: set[str]) -> None:
    """Finish what other machines' runners left, once nothing of their scripts lives. `tried`: what is left alone."""
    for folder in gone:
        there = [name for name in open_attempts(folder) if name not in tried]
        if there and not any(is_held(AttemptFolder(path).guard_lock) for path, _ in _attempts(folder)):
            tried.update(there)
            adopt(folder, there, api)


def forget(folder: Path, adopted: Iterable[str]) -> None:
    """Remove what else lies there; not what something of a script still writes."""
    kept = set(adopted)
    for path, key in _attempts(folder):
        left = AttemptFolder(path)
        if key.name not in kept and not is_held(left.guard_lock):
            left.forget()


def _attempts(folder: Path) -> list[tuple[Path, AttemptKey]]:
    found = []
    for path in sorted((folder / ATTEMPTS).glob("*/*/*")):
        try:
            found.append((path, AttemptKey.of_folder(path)))
        except ValueError:
            continue
    return found


def _token(path: Path) -> str:
    """By which its bytes are brought; empty: nothing of it can be."""
    try:
        return str(records.needed_record(path / "order.json", ORDER).get("token") or "")
    except UnreadableRecord:
        return ""


def _is_below(path: Path) -> bool:
    """Whether it is of a run that a script started below its own."""
    try:
        records.needed_record(path / "order.json", PROCESS_ORDER)
    except UnreadableRecord:
        return False
    return True
