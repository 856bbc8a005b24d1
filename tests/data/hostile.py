"""Paths of bad-inputs class 1 that no field of a relative path may take."""

from __future__ import annotations

LEAVING = [
    "..",
    "../x",
    "a/../../x",
    "a/..",
    "..\\x",
    "a\\..\\b",
    "/etc/passwd",
    "//proc/self/root/etc/passwd",
    "a//b",
    "file:///etc/passwd",
    "a\0b",
    "a\nb",
    "\x1b[2J",
    "a" * 256,
    "a/" * 3000 + "b",
    "a/" * 200 + "b",
    "\udcff",
]

HARMLESS = [
    "%2e%2e%2fx",
    "%252e%252e%252fx",
    "..;/x",
    "x#frag",
    "x?query",
    "x;tail",
    "..x",
    "x.",
    "x ",
    "\uff41",
    "caf\u00e9",
    "cafe\u0301",
]
"""Names like any other: what they look like must not be worked out."""
