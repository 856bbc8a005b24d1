"""Scripts and styles of the pages, read once. What a page needs is asked for at once, and little of it twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

from faena.vendored import UPLOT

_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_IMPORTED = re.compile(r'^(?:import|export) (?:[^"\n]* from )?"\./([^"\n]+)";?', re.MULTILINE)
_MOST_STYLES = 12
"""Of one address."""


class StaticFile(Struct, frozen=True):
    data: bytes
    media_type: str


def _read() -> dict[str, StaticFile]:
    found = (path for folder in (Path(__file__).parent / "static", UPLOT) for path in folder.iterdir())
    files = sorted(path for path in found if path.suffix in _KINDS)
    return {path.name: StaticFile(path.read_bytes(), _KINDS[path.suffix]) for path in files}


_FILES = _read()
VERSION = hashlib.sha256(b"".join(file.data for file in _FILES.values())).hexdigest()[:12]
"""Part of each static file's address: a browser may keep what it has for ever."""
PLACE = f"/ui/static/{VERSION}"


def get(name: str) -> StaticFile | None:
    """A file, or styles one after the other: `page+log.css`."""
    if name in _FILES or not name.endswith(".css"):
        return _FILES.get(name)
    parts = [_FILES.get(f"{each}.css") for each in name.removesuffix(".css").split("+", _MOST_STYLES)]
    if None in parts:
        return None
    return StaticFile(b"\n".join(each.data for each in parts if each is not None), _KINDS[".css"])


def styles(names: Sequence[str] = ()) -> str:
    """The address of what every page has and of these after it: a browser asks once."""
    return f"{PLACE}/{'+'.join(['page', *names])}.css"


@cache
def modules(script: str) -> tuple[str, ...]:
    """What a script imports, and what that does, so that a browser need not read the one to ask for the other."""
    return tuple(dict.fromkeys(_imported(script, {script})))


def _imported(script: str, known: set[str]) -> Iterator[str]:
    for name in _IMPORTED.findall(_FILES[script].data.decode()):
        if name not in known:
            known.add(name)
            yield name
            yield from _imported(name, known)
