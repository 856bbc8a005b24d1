"""Routers as Litestar has them, which the start of a server can afford."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import litestar
from litestar.openapi import ResponseSpec
from litestar.types import ControllerRouterHandler

SOME_BYTES = "application/octet-stream"
"""The kind of an answer that is a file's, or in a form of its own: what a route's `media_type` is then."""


def told(kind: Any) -> dict[int, ResponseSpec]:
    """For `responses` of a route that writes JSON itself: what it is in the description of the API."""
    return {200: ResponseSpec(kind, generate_examples=False)}


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
