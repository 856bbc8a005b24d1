"""Which files are images that a browser draws without running anything: by their bytes, whatever they are called."""

from __future__ import annotations

import struct

LARGEST = 32 << 20
_MOST_PIXELS = 100_000_000
"""Of those whose size is read here: a small file may say that it is enormous."""
HEAD = 32
"""Bytes of the beginning that tell."""


def media_type(head: bytes) -> str:
    """Of PNG, JPEG, GIF and WebP; empty for anything else, SVG too, and for one that is too large to be drawn."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) >= 24:
        return "image/png" if _is_drawn(*struct.unpack(">II", head[16:24])) else ""
    if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        return "image/gif" if _is_drawn(*struct.unpack("<HH", head[6:10])) else ""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"  # 65,535 by 65,535 at most, which browsers refuse by themselves
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"  # 16,383 by 16,383 at most
    return ""


def _is_drawn(width: int, height: int) -> bool:
    return 0 < width * height <= _MOST_PIXELS
