"""HTTP of notices. Each person has rules of their own; owners see and remove those of all."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Request, delete, get, post

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.ids import new_request_id
from faena.kernel.rights import CONTRIBUTE
from faena.kernel.routing import Router
from faena.notices import adding, messages, service, store
from faena.notices.failures import NotBrought
from faena.notices.keeper import Keeper
from faena.notices.messages import Message
from faena.notices.schemas import NoticeView, RuleIn, RuleView, Told
from faena.notices.service import Targets
from faena.people.callers import ask_same, caller_of, may_see
from faena.runs import store as runs
from faena.workspaces.model import WorkspaceFolder

Asking = Request[Any, Any, Any]
_MOST = 200


@get(
    "/rules",
    summary="Who is told of which ends of runs: one's own rules, and of owners those of all",
    opt=CONTRIBUTE,
)
async def list_rules(request: Asking, database: Database) -> list[RuleView]:
    may = partial(may_see, request)
    return [service.view(rule) for rule in await database.read(store.list_rules) if may(rule.owner)]


@post("/rules", summary="Be told of ends of runs, by a webhook, a mail or a command", opt=CONTRIBUTE)
async def add_rule(
    data: RuleIn,
    request: Asking,
    database: Database,
    clock: Clock,
    notice_targets: Targets,
    notice_keeper: Keeper,
) -> RuleView:
    """`warning` says at once where nothing will come, as far as that can be known."""
    return await adding.add(data, caller_of(request), database, clock, notice_targets, notice_keeper)


@delete("/rules/{rule_id:str}", summary="Be told no more", opt=CONTRIBUTE)
async def remove_rule(rule_id: str, request: Asking, database: Database, notice_targets: Targets) -> None:
    rule = await database.read(lambda read: service.get(read, rule_id))
    ask_same(request, rule.owner)
    await service.remove(database, notice_targets, rule_id)


@post(
    "/rules/{rule_id:str}/try",
    status_code=200,
    summary="Bring a notice of the latest run that ended",
    opt=CONTRIBUTE,
)
async def try_rule(
    rule_id: str, request: Asking, database: Database, folder: WorkspaceFolder, notice_keeper: Keeper
) -> Told:
    """The answer comes once it was brought, or was not."""
    rule = await database.read(lambda read: service.get(read, rule_id))
    ask_same(request, rule.owner)

    def make(read: Read) -> Message:
        latest = store.latest_end(read)
        run = None if latest is None else runs.get(read, latest)
        if run is None or service.withheld(read, rule, run.experiment):
            return messages.trial(folder.name, new_request_id())
        return messages.of_run(read, run, folder.name, new_request_id(), notice_keeper.pages())

    try:
        await notice_keeper.bring(rule, await database.read(make))
    except NotBrought as error:
        return Told(str(error))
    return Told()


@get("/", summary="What was told lately, and what waits, the latest first", opt=CONTRIBUTE)
async def list_notices(request: Asking, database: Database, most: int = 50) -> list[NoticeView]:
    may = partial(may_see, request)

    def listed(read: Read) -> list[NoticeView]:
        seen = [rule.id for rule in store.list_rules(read) if may(rule.owner)]
        return store.list_notices(read, seen, max(1, min(most, _MOST)))

    return await database.read(listed)


router = Router(
    "/notices", route_handlers=[list_rules, add_rule, remove_rule, try_rule, list_notices], tags=["notices"]
)
