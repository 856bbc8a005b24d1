"""How much room a disk has left, and what is said where that is too little."""

from __future__ import annotations

import os
from pathlib import Path

from faena.kernel.errors import StorageFull

NEEDED = 1 << 20
"""Bytes: with less, hardly anything can be written."""


def free(folder: Path) -> int | None:
    """Bytes that this user may still write on the disk of `folder`; None where that cannot be known."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def is_full(folder: Path) -> bool:
    left = free(folder)
    return left is not None and left < NEEDED


def said(folder: Path) -> str:
    """Which disk is full, how much is left there, and which command makes room."""
    return f"The disk that holds {folder} is full. {room(folder)}"


def room(folder: Path) -> str:
    """How much is left on the disk of `folder`, and which command makes room."""
    left = free(folder)
    shown = "" if left is None else f"{left / 1e6:,.1f} MB are free. "
    return (
        f"{shown}Free some space: `faena du` shows what takes it, `faena env prune --all` removes environments that no "
        "run needs, `faena delete` runs, whose bytes `faena tidy --now` frees at once."
    )


def full(folder: Path, more: str = "Then try again.") -> StorageFull:
    return StorageFull(f"{said(folder)} {more}")
