"""Balancers that say for whom they ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from litestar.types import ASGIApp, Receive, Scope, Send

_MAPPED = "::ffff:"
"""What whoever comes by IPv4 to a listener at `::` has before their address."""


def behind(networks: Sequence[str], app: ASGIApp) -> ASGIApp:
    """What comes from an address of `networks` comes from whom its X-Forwarded-For names: the last one outside of them.

    Whoever else sends that header is where they connect from.
    """
    if networks:
        from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

        app = cast(ASGIApp, ProxyHeadersMiddleware(cast(Any, app), list(networks)))

    async def known_by_one_address(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client and client[0].startswith(_MAPPED):
            scope["client"] = (client[0].removeprefix(_MAPPED), client[1])
        await app(scope, receive, send)

    return known_by_one_address
