"""The Python of whoever asks: this process's own, but in a helper that of the script or kernel that it serves."""

from __future__ import annotations

import sys

_python = ""
_minor = ""


def serve(python: str, minor: str) -> None:
    """Ask for that one from now on."""
    global _python, _minor
    _python, _minor = python, minor


def python() -> str:
    """Its path."""
    return _python or sys.executable


def minor() -> str:
    """Its version, such as '3.11'."""
    return _minor or f"{sys.version_info.major}.{sys.version_info.minor}"
