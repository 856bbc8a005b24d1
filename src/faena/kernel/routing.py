"""Routers as Litestar has them, which the start of a server can afford."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import litestar
from litestar.types import ControllerRouterHandler


class Router(litestar.Router):
    """Registered elsewhere, it is made anew: Litestar copies each router deeply, with all that its handlers hold."""

    def __init__(
        self, path: str, *, route_handlers: Sequence[ControllerRouterHandler], **options: Any
    ) -> None:
        super().__init__(path, route_handlers=route_handlers, **options)
        self._given = route_handlers
        self._options = options

    def __deepcopy__(self, _: dict[int, Any]) -> Router:
        return type(self)(self.path, route_handlers=self._given, **self._options)
