"""HTTP of what is watched."""

from __future__ import annotations

from litestar import Response, get

from faena.kernel.exposition import CONTENT_TYPE
from faena.kernel.rights import READ
from faena.kernel.routing import Router
from faena.server.operation.watched import Watched


@get(
    "/",
    summary="Counts and states of this server, as Prometheus reads them",
    media_type=CONTENT_TYPE.decode(),
    opt=READ,
)
async def show_metrics(watched: Watched) -> Response[bytes]:
    return Response(await watched.metrics(), media_type=CONTENT_TYPE.decode())


router = Router("/metrics", route_handlers=[show_metrics], tags=["server"])
