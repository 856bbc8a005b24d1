"""HTTP of queues."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.rights import READ
from faena.kernel.routing import Router
from faena.runs.waiting_line import service
from faena.runs.waiting_line.schemas import Queue


@get("/{cluster:str}", summary="Who waits for nodes of a cluster, in turn, and when each may start", opt=READ)
async def show_queue(
    cluster: str,
    database: Database,
    clock: Clock,
    most: Annotated[int, Parameter(ge=1, le=service.MOST)] = 50,
) -> Queue:
    return await database.read(lambda read: service.queue(read, cluster, clock.now(), most))


router = Router("/queues", route_handlers=[show_queue], tags=["clusters"])
