"""HTTP of quotas."""

from __future__ import annotations

from litestar import get, patch

from faena.db import Database
from faena.kernel.clock import Clock
from faena.kernel.rights import OWN, READ
from faena.kernel.routing import Router
from faena.runs.quotas import service
from faena.runs.quotas.schemas import QuotaChange, QuotaView


@get("/", summary="Who may use how much, and what they use", opt=READ)
async def list_quotas(database: Database, clock: Clock) -> list[QuotaView]:
    """Those who have a quota, and all persons who have or had nodes this month."""
    return await database.read(lambda read: service.listed(read, clock.now()))


@patch("/", summary="Set or lift limits of a person, an experiment or everybody", opt=OWN)
async def change_quota(data: QuotaChange, database: Database, clock: Clock) -> QuotaView:
    """Runs that go on are not stopped. One that waits begins when its quotas let it."""
    return await database.write(lambda write: service.change(write, data, clock.now()))


router = Router("/quotas", route_handlers=[list_quotas, change_quota], tags=["people"])
