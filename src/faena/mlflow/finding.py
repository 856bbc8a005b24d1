"""Which route a request is for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from urllib.parse import unquote

from faena.mlflow.routes import ROUTES, Route

_PLAIN: dict[tuple[str, str], Route] = {
    (route.method, route.path): route for route in ROUTES if "{" not in route.path
}
_PATTERNS: dict[tuple[str, int], list[tuple[Route, Sequence[str]]]] = defaultdict(list)
for _route in ROUTES:
    if "{" in _route.path:
        _parts = _route.path.split("/")
        _PATTERNS[_route.method, len(_parts)].append((_route, _parts))


_SECOND = re.compile(r"/2\.\d+/(?:preview/(?=mlflow/))?")
"""Routes of the second version have names of minor ones where they came later, and of their beginnings where not."""


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a path below `/api`, and the parts of the path that its pattern names; None: there is none."""
    path = _SECOND.sub("/2.0/", path, count=1)
    if (plain := _PLAIN.get((method, path))) is not None:
        return plain, {}
    parts = path.split("/")
    for route, pattern in _PATTERNS.get((method, len(parts)), ()):
        if all(want == part or want.startswith("{") for want, part in zip(pattern, parts, strict=True)):
            named = {
                want[1:-1]: unquote(part, errors="strict")
                for want, part in zip(pattern, parts, strict=True)
                if want[:1] == "{"
            }
            return route, named
    return None
