"""HTTP of the page of notices."""

from __future__ import annotations

from functools import partial
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from msgspec import Struct

from faena.db import Database, Read
from faena.kernel.clock import Clock
from faena.kernel.rights import CONTRIBUTE
from faena.notices import adding, service, store
from faena.notices.keeper import Keeper
from faena.notices.model import ENDS
from faena.notices.schemas import NoticeView, RuleIn, RuleView
from faena.notices.service import Targets
from faena.people.callers import ask_same, caller_of, may_see
from faena.runs import store as runs
from faena.server.bodies import TypedRequest
from faena.server.pages import forms
from faena.server.pages.browser_rights import NOTICE_ACTIONS
from faena.server.pages.rendering import page, render, run_address
from faena.workspaces import store as workspaces
from faena.workspaces.model import WorkspaceFolder

PATH = "/ui/notices"
_LATEST = 50


class Row(Struct, frozen=True):
    rule: RuleView
    last: NoticeView | None
    """The latest notice by it."""


class Told(Struct, frozen=True):
    view: NoticeView
    title: str
    address: str
    rule: str
    """Where it went."""


@get("/notices", summary="Page: who is told of which ends of runs, and what came of it", opt=CONTRIBUTE)
async def notices(
    request: Request[Any, Any, State], database: Database, folder: WorkspaceFolder, done: str = ""
) -> Response[str]:
    build = partial(_build, request=request, folder=folder, done=done)
    return page(await database.read(build))


@post(
    "/notices/do/{action:str}",
    status_code=200,
    summary="Be told of ends of runs by a webhook or a mail, or no more",
    request_max_body_size=forms.MOST_BYTES,
    opt=CONTRIBUTE,
)
async def do(
    action: str,
    request: TypedRequest,
    database: Database,
    clock: Clock,
    folder: WorkspaceFolder,
    notice_targets: Targets,
    notice_keeper: Keeper,
) -> Response[Any]:
    """The answer to a new rule is the page itself: what its requests are signed with is shown there this once."""
    fields = await forms.fields_of(request, action, NOTICE_ACTIONS, "notices")
    if action == "unnotice":
        rule = await database.read(lambda read: service.get(read, fields.get("rule", "")))
        ask_same(request, rule.owner)
        await service.remove(database, notice_targets, rule.id)
        return Response(None, status_code=303, headers={"location": f"{PATH}?done={action}"})
    way, to = fields.get("way", ""), fields.get("to", "").strip()
    asked = RuleIn(
        webhook=to if way == "webhook" else "",
        mail=to if way == "mail" else "",
        experiment=fields.get("experiment") or None,
        ends=tuple(end for end in ENDS if end in fields),
        below="below" in fields,
    )
    made = await adding.add(asked, caller_of(request), database, clock, notice_targets, notice_keeper)
    build = partial(_build, request=request, folder=folder, done=action, made=made)
    return page(await database.read(build))


def _build(
    read: Read,
    request: Request[Any, Any, Any],
    folder: WorkspaceFolder,
    done: str,
    made: RuleView | None = None,
) -> str:
    rules = [service.view(rule) for rule in store.list_rules(read) if may_see(request, rule.owner)]
    ids = [rule.id for rule in rules]
    told = store.list_notices(read, ids, _LATEST)
    last = store.latest_of(read, ids)
    places = {rule.id: rule.to for rule in rules}
    named = runs.all_of(read, [each.run_id for each in told])
    return render(
        "notices.html",
        rows=[Row(rule, last.get(rule.id)) for rule in rules],
        told=[
            Told(
                each, _title(named.get(each.run_id), each.run_id), run_address(each.run_id), places[each.rule]
            )
            for each in told
        ],
        made=made,
        ends=ENDS,
        experiments=[each.name for each in workspaces.list_experiments(read)],
        done=forms.DONE.get(done, ""),
        workspace=folder.name,
        place=folder.path.parent,
        here="people",
    )


def _title(run: Any, run_id: str) -> str:
    return run_id if run is None else run.name or f"{run.experiment} {run.number}"


handlers = [notices, do]
