"""Balancers that say for whom they ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from litestar.types import ASGIApp


def behind(networks: Sequence[str], app: ASGIApp) -> ASGIApp:
    """What comes from an address of `networks` comes from whom its X-Forwarded-For names: the last one outside of them.

    Whoever else sends that header is where they connect from.
    """
    if not networks:
        return app
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    return cast(ASGIApp, ProxyHeadersMiddleware(cast(Any, app), list(networks)))
