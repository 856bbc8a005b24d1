"""Query parameters that a route does not know are refused: a mistyped filter would be none, and all would be found."""

from __future__ import annotations

import warnings
from weakref import WeakKeyDictionary

from litestar import Request
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from faena.kernel.errors import UserErrorException
from faena.kernel.nearest import nearest

_FREE = ("/ui", "/schema")
"""Below these an address may say what only scripts of its page read."""
_known: WeakKeyDictionary[BaseRouteHandler, frozenset[str]] = WeakKeyDictionary()


async def refuse_unknown_parameters(request: Request[None, None, State]) -> None:
    """Raises UserErrorException, which names what the route knows."""
    if not request.scope["query_string"] or request.url.path.startswith(_FREE):
        return
    handler = request.route_handler
    known = _known.get(handler)
    if known is None:
        known = _known[handler] = _names(handler)
    known -= request.path_params.keys()
    for name in request.query_params:
        if name not in known:
            raise UserErrorException(_refusal(f"{request.method} {request.url.path}"[:300], name, known))


def _names(handler: BaseRouteHandler) -> frozenset[str]:
    """Also of what its dependencies take, and of its path."""
    with warnings.catch_warnings():  # it was told of dependencies when the route was made
        warnings.simplefilter("ignore", DeprecationWarning)
        model = handler.create_kwargs_model(path_parameters={})
    return frozenset(each.field_alias for each in model.expected_query_params)


def _refusal(shown: str, name: str, known: frozenset[str]) -> str:
    said = f"{shown}: there is no query parameter {name[:80]!r}."
    if near := nearest(name, sorted(known), most=1):
        return f"{said} Did you mean {near[0]}?"
    return f"{said} There is {', '.join(sorted(known))}." if known else f"{said} It takes none."
