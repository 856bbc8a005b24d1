"""Scripts and styles of the pages, read once. What a page needs is asked for at once, and little of it twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from msgspec import Struct

from faena.server.pages import modules as pages_modules
from faena.vendored import UPLOT

_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_APART = frozenset({"uPlot.esm"})
"""Others' scripts, large, which the pages share."""
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
_MAKING = Path(pages_modules.__file__).read_bytes()  # files are made of these by it
VERSION = hashlib.sha256(b"".join([_MAKING, *(file.data for file in _FILES.values())])).hexdigest()[:12]
"""Part of each static file's address: a browser may keep what it has for ever."""
PLACE = f"/ui/static/{VERSION}"


def get(name: str) -> StaticFile | None:
    """A file; a script with all that it imports, `run.whole.js`; or styles one after the other, `page+log.css`."""
    if name.endswith(pages_modules.ENDING) and name.replace(pages_modules.ENDING, ".js") in _FILES:
        return StaticFile(_whole(name.removesuffix(pages_modules.ENDING)).encode(), _KINDS[".js"])
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
    """What a script needs that is a file of its own, so that a browser need not read the one to ask for the other."""
    text = _whole(script.removesuffix(".js"))
    return tuple(f"{name}.js" for name in pages_modules.imports(text))


@cache
def _whole(name: str) -> str:
    return pages_modules.whole(name, lambda each: _FILES[f"{each}.js"].data.decode(), _APART)
