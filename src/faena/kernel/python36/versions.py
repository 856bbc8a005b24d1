"""Which Python an interpreter is, where nobody has asked it yet."""

from __future__ import annotations

import os
import re
import subprocess
from functools import lru_cache
from pathlib import Path

OLDEST = (3, 6)
"""The oldest that scripts run on."""

_NAME = re.compile(r"python(\d)\.(\d+)\Z")
_CONFIGURED = re.compile(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", re.MULTILINE)
_QUESTION = "import sys; sys.stdout.write('%d %d' % sys.version_info[:2])"
_PATIENCE_SECONDS = 15.0


def minor_of(python: str) -> tuple[int, int] | None:
    """Its version, such as (3, 6); None where it does not answer. It is started only where its file tells nothing."""
    try:
        found = Path(python).stat()
    except OSError:
        return None
    return _minor_of(python, (found.st_dev, found.st_ino, found.st_mtime_ns))


def named(python: str) -> tuple[int, int] | None:
    """What the name of its real file says, such as `python3.6`; None where it says nothing. Nothing is started."""
    found = _NAME.search(os.path.realpath(python))
    return None if found is None else (int(found[1]), int(found[2]))


@lru_cache(maxsize=256)
def _minor_of(python: str, _stamp: tuple[int, int, int]) -> tuple[int, int] | None:
    if (said_by_name := named(python)) is not None:
        return said_by_name
    try:
        said = (Path(python).parent.parent / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        said = ""
    if (configured := _CONFIGURED.search(said)) is not None:
        return int(configured[1]), int(configured[2])
    return _asked(python)


def _asked(python: str) -> tuple[int, int] | None:
    try:
        done = subprocess.run(
            [python, "-E", "-S", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            cwd="/",
            check=False,
        )
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
