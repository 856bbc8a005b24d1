"""Tidies once a day, whenever a server is there."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from faena.compute.machines import store as machines
from faena.kernel.clock import Clock
from faena.tidying import retention
from faena.tidying.garbage_collection import Collector
from faena.tidying.schemas import CollectionRequest

_log = logging.getLogger(__name__)

DAY_S = 86_400
MACHINE_DAYS = 30
"""For which a machine that has joined may be away before it is forgotten."""
_LOOK_S = 600.0
_FIRST_LOOK_S = 20.0
"""A server that has just started has others to answer first."""


async def tidy_daily(collector: Collector, mark: Path) -> None:
    """Never returns. `mark`: a file whose time is that of the last tidying, whichever server did it."""
    await asyncio.sleep(_FIRST_LOOK_S)
    while True:
        if is_due(mark, collector.clock):
            try:
                await retention.apply(collector.database, collector.clock.now(), dry_run=False)
                await collector.collect(CollectionRequest())
                await collector.database.write(
                    lambda write: machines.forget_away(
                        write, collector.clock.now() - MACHINE_DAYS * DAY_S * 1_000_000
                    )
                )
                mark.touch()
            except Exception:  # noqa: BLE001  a full disk or a defect must not end the care for good
                _log.exception("tidying failed; the next try is in %g s", _LOOK_S)
        await asyncio.sleep(_LOOK_S)


def is_due(mark: Path, clock: Clock) -> bool:
    """Whether the last tidying was a day ago, or lies in the future of a clock that was set back."""
    try:
        age = clock.now() / 1e6 - mark.stat().st_mtime
    except FileNotFoundError:
        return True
    return not 0 <= age < DAY_S
