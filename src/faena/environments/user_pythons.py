"""Where whoever starts the server says that Pythons are: `FAENA_PYTHONS`."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from faena.environments import probe

VARIABLE = "FAENA_PYTHONS"
"""Interpreters, installations and folders of installations, with colons between them."""
REMEDY = (
    "name interpreters, installations or folders of installations by absolute paths with colons between them, for "
    "whoever starts the server"
)
_log = logging.getLogger(__name__)


def paths() -> Iterator[str]:
    """Interpreters that may be there; whether they answer is asked by others."""
    for given in _entries():
        yield from _of(given)


def without_python() -> list[str]:
    """Entries that bring nothing, each with the reason. Starts what they name, and changes nothing on disk."""
    named = {given: list(_of(given)) for given in _entries()}
    answers = probe.ask([path for found in named.values() for path in found], keep=False)
    return [
        f"{given[:200]!r} ({_why(given, found)})"
        for given, found in named.items()
        if not any(path in answers for path in found)
    ]


def warn() -> None:
    """To the log of this process."""
    if found := without_python():
        _log.warning("%s: no Python in %s; %s", VARIABLE, ", ".join(found), REMEDY)


def is_program(path: Path | str) -> bool:
    """Whether it is there and no script: a script of that name is a version manager's shim, whose answer
    depends on the folder that it is asked in. What shims stand for is found in the manager's own folder."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (a dozen folders have thirty names each)
            return file.read(2) != b"#!" and os.access(path, os.X_OK)
    except OSError:
        return False


def subfolders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return []


def _entries() -> list[str]:
    return [given for given in os.environ.get(VARIABLE, "").split(os.pathsep) if given.strip()]


def _of(given: str) -> Iterator[str]:
    if not given.startswith("/"):
        return
    place = Path(given)
    if place.is_file():
        yield given
    for folder in (place, *subfolders(place)):
        if is_program(path := folder / "bin" / "python3"):
            yield str(path)


def _why(given: str, found: list[str]) -> str:
    if not given.startswith("/"):
        return "no absolute path"
    if not Path(given).exists():
        return "not there"
    return "does not answer as a Python 3" if found else "no bin/python3 in it or its subfolders"
