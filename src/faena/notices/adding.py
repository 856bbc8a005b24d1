"""Use case of a new rule: it is kept, and whoever adds it is told at once where nothing will come."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from faena.db import Database
from faena.kernel.clock import Clock
from faena.notices import service
from faena.notices.keeper import Keeper
from faena.notices.schemas import RuleIn, RuleView
from faena.notices.service import Targets
from faena.people.model import Caller

_LOOKING = 5.0
"""Seconds for which a name is looked up: that is what a warning is worth."""


async def add(
    asked: RuleIn, caller: Caller | None, database: Database, clock: Clock, targets: Targets, keeper: Keeper
) -> RuleView:
    """Raises UserErrorException, and NotAllowed for a command of somebody who is not on the server's host."""
    rule, target = service.made(asked, "" if caller is None else caller.person, clock.now())
    await asyncio.to_thread(targets.put, rule.id, target)
    try:
        await database.write(lambda write: service.add(write, rule))
    except BaseException:
        await asyncio.to_thread(targets.remove, rule.id)
        raise
    warning = ""
    with suppress(TimeoutError):
        warning = await asyncio.wait_for(asyncio.to_thread(keeper.doubt, rule, target), _LOOKING)
    return service.view(rule, target.key if asked.webhook else "", warning)
