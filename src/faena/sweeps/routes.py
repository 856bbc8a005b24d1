"""HTTP of sweeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Annotated

import msgspec
from litestar import get, patch, post, put
from litestar.params import Parameter

from faena.data import service as snapshots
from faena.db import Database, Write
from faena.environments import store as locks
from faena.environments.service import take_sent
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.kernel.rights import CONTRIBUTE, READ
from faena.kernel.routing import Router
from faena.runs import record_store
from faena.runs import service as runs
from faena.runs.accepting import NO_GPU, Looked, look
from faena.runs.engine.services import RunnerServices
from faena.runs.schemas import RunView
from faena.sweeps import changing, service, views
from faena.sweeps.checks import check
from faena.sweeps.learning.extras import why_not
from faena.sweeps.schemas import AdoptedRuns, GivenTrials, SweepChange, SweepRequest, SweepView, TrialView
from faena.sweeps.space import Space

Offset = Annotated[int, Parameter(ge=0, le=10_000_000)]
Limit = Annotated[int, Parameter(ge=1, le=1000)]


@put(
    "/{sweep_id:str}",
    status_code=200,
    summary="Begin a sweep; repeating it has no second effect",
    opt=CONTRIBUTE,
)
async def begin(sweep_id: str, data: SweepRequest, services: RunnerServices, offered: bool = True) -> RunView:
    """`offered`: as of a run."""
    if missing := why_not(data.spec.sampling):
        raise UserErrorException(missing)
    submission = data.submission

    def look_at_all() -> tuple[Space, Looked, set[str]]:
        space = check(data.spec)
        references = (
            set()
            if offered
            else snapshots.see(submission.snapshot, submission.git, services.database, services.objects)
        )
        return space, look(submission, services.database, services.folder), references

    await take_sent(submission.environment, services.objects)
    space, looked, references = await asyncio.to_thread(look_at_all)
    now = services.clock.now()

    def accept(write: Write) -> RunView:
        if not offered:
            snapshots.renew(write, submission.snapshot, references, now)
        found = looked.found
        ready = None if found is None else (locks.put(write, found.lock, now), found.python)
        asked = msgspec.structs.replace(data, submission=looked.submission)
        run = service.begin(write, sweep_id, asked, space, now, ready, None if found is None else found.lock)
        if looked.without_gpu:
            record_store.add_note(write, run.id, "no_gpu", NO_GPU)
        if looked.warnings:
            record_store.add_note(write, run.id, "environment", " ".join(looked.warnings))
        services.placement.refill(write, run.cluster)
        return runs.view(write, runs.get(write, sweep_id), with_outlook=False)

    return await services.database.write(accept)


@get(
    "/{sweep_id:str}", summary="A sweep: its state, its best trial, how many there are of each kind", opt=READ
)
async def show(sweep_id: str, database: Database) -> SweepView:
    return await database.read(lambda read: views.view(read, sweep_id))


@get("/{sweep_id:str}/trials", summary="Its trials, by number or from the best to the worst", opt=READ)
async def trials(
    sweep_id: str, database: Database, offset: Offset = 0, limit: Limit = 100, order: str = "number"
) -> list[TrialView]:
    if order not in ("number", "best"):
        raise UserErrorException(f"order is {order[:80]!r}. Use 'number' or 'best'.")
    return await database.read(
        lambda read: views.trials(read, sweep_id, offset, limit, best_first=order == "best")
    )


@patch("/{sweep_id:str}", summary="Extend, narrow, pause or resume a sweep", opt=CONTRIBUTE)
async def change(sweep_id: str, data: SweepChange, database: Database, clock: Clock) -> SweepView:
    if data.space is not None or data.constraints is not None:
        wanted = await database.read(lambda read: changing.changed(read, sweep_id, data))
        await asyncio.to_thread(check, wanted)

    def write_it(write: Write) -> SweepView:
        changing.change(write, sweep_id, data, clock.now())
        return views.view(write, sweep_id)

    return await database.write(write_it)


def _paused(sweep_id: str, paused: bool, database: Database, clock: Clock) -> Awaitable[SweepView]:
    def write_it(write: Write) -> SweepView:
        changing.change(write, sweep_id, SweepChange(paused=paused), clock.now())
        return views.view(write, sweep_id)

    return database.write(write_it)


@post(
    "/{sweep_id:str}/pause",
    status_code=200,
    summary="Start none of its trials until it is resumed",
    opt=CONTRIBUTE,
)
async def pause(sweep_id: str, database: Database, clock: Clock) -> SweepView:
    """What a page asks for, which may change nothing else of a sweep."""
    return await _paused(sweep_id, True, database, clock)


@post("/{sweep_id:str}/resume", status_code=200, summary="Start its trials again", opt=CONTRIBUTE)
async def resume(sweep_id: str, database: Database, clock: Clock) -> SweepView:
    return await _paused(sweep_id, False, database, clock)


@post(
    "/{sweep_id:str}/trials",
    status_code=200,
    summary="Trials with given parameters, which come next",
    opt=CONTRIBUTE,
)
async def give(sweep_id: str, data: GivenTrials, database: Database, clock: Clock) -> list[TrialView]:
    return await database.write(lambda write: service.give(write, sweep_id, data, clock.now()))


@post(
    "/{sweep_id:str}/adopted", status_code=200, summary="Take runs in that were there before", opt=CONTRIBUTE
)
async def adopt(sweep_id: str, data: AdoptedRuns, database: Database) -> list[TrialView]:
    return await database.write(lambda write: service.adopt(write, sweep_id, data))


@post(
    "/{sweep_id:str}/rerun-failed",
    status_code=200,
    summary="Try the trials again that have failed",
    opt=CONTRIBUTE,
)
async def rerun_failed(sweep_id: str, database: Database, clock: Clock) -> list[TrialView]:
    return await database.write(lambda write: service.rerun_failed(write, sweep_id, clock.now()))


_HANDLERS = [begin, show, trials, change, pause, resume, give, adopt, rerun_failed]
router = Router("/sweeps", route_handlers=_HANDLERS, tags=["sweeps"])
