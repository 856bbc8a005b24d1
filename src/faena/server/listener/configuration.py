"""What all listeners of a server's process ask of uvicorn."""

from __future__ import annotations

from pathlib import Path

import uvicorn
from litestar.types import ASGIApp

from faena.server.listener.bounds import Bounds
from faena.server.listener.protocol import Prompt, bounded

_LEAVING = 1
"""Seconds that requests get which are answered when it leaves."""


def configured(
    app: ASGIApp,
    bounds: Bounds,
    *,
    backlog: int,
    keep_alive: int,
    certificate: Path | None = None,
    key: Path | None = None,
    prompt: Prompt | None = None,
) -> uvicorn.Config:
    """`backlog`: connections that wait to be taken. `keep_alive`: seconds that a connection may ask nothing.

    `prompt`: asked before `app`.
    """
    return uvicorn.Config(
        app,
        http=bounded(bounds, prompt),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=backlog,
        timeout_graceful_shutdown=_LEAVING,
        timeout_keep_alive=keep_alive,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
