"""What the pages ask of the server, which is all that a browser's session may."""

from __future__ import annotations

import re

PAGES = "/ui/"
_READING = ("GET", "HEAD")
_ASKED = re.compile(r"/runs/[^/]+/cancel|/sweeps/[^/]+/(pause|resume)|/endpoints/[^/]+/try")


def is_asked(verb: str, path: str) -> bool:
    """Whether a page does this: read what is below `PAGES`, stop a run, pause a sweep, try an endpoint."""
    if verb in _READING:
        return path == PAGES.rstrip("/") or path.startswith(PAGES)
    return verb == "POST" and _ASKED.fullmatch(path) is not None
