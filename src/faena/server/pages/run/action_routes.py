"""HTTP of what a run's page does: `GET` shows the form, `POST` does it and goes on to a page that says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from litestar import Response, get, post
from litestar.response import Redirect
from msgspec import Struct

from faena.db import Database, Read
from faena.kernel import ownership
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.models import live
from faena.models.schemas import Registration
from faena.objects.service import Objects
from faena.people.callers import ask_right_of, ask_same, caller_of
from faena.runs import record, service
from faena.runs.comments import service as comments
from faena.runs.comments.schemas import CommentText
from faena.runs.current_files import CurrentFiles
from faena.runs.engine.services import RunnerServices
from faena.runs.model import HYPERDRIVE
from faena.runs.schemas import RunChange
from faena.server.bodies import TypedRequest
from faena.server.pages import forms
from faena.server.pages.forms import go_on
from faena.server.pages.rendering import page, render, run_address
from faena.server.pages.run import actions as run_actions
from faena.server.pages.run import top as run_top
from faena.server.pages.run.actions import given, right_of_action
from faena.server.pages.run.again import submit_again
from faena.tidying import deleting
from faena.tidying.schemas import DeletionRequest
from faena.workspaces.model import WorkspaceFolder


class Doing(Struct, frozen=True):
    """What an action works with."""

    run_id: str
    fields: dict[str, str]
    database: Database
    objects: Objects
    clock: Clock
    services: RunnerServices
    folder: WorkspaceFolder
    current: CurrentFiles
    asks: str
    """Who does it."""
    may: Callable[[str], None]
    """Given a person, raises NotAllowed where what concerns them is not for who asks."""


@get(
    "/{run_id:str}/do/{action:str}",
    summary="Page: the form that asks for one thing to be done with a run",
    opt=READ,
)
async def show_form(
    run_id: str, action: str, database: Database, clock: Clock, folder: WorkspaceFolder
) -> Response[str]:
    would = None
    if action == "delete":
        asked = DeletionRequest(runs=(run_id,), dry_run=True)
        would = await deleting.delete(database, asked, clock.now())

    def build(read: Read) -> str:
        top = run_top.build(read, run_id, clock.now())
        forms_of = {
            "cancel": lambda: run_actions.cancel(is_sweep=top.run.type == HYPERDRIVE),
            "rerun": lambda: run_actions.rerun(read, top.run),
            "register": lambda: run_actions.register(read, top.run),
            "archive": lambda: run_actions.archive(top.run),
            "unarchive": lambda: run_actions.archive(top.run),
        }
        if would is not None:
            asked = run_actions.delete(would)
        elif action in forms_of:
            asked = forms_of[action]()
        else:
            raise NotFound(f"Nothing on a run's page does {action[:80]!r}.")
        around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
        return render(
            "action.html", top=top, asked=asked, to=run_actions.address(run_id, asked.action), **around
        )

    return page(await database.read(build))


@post(
    "/{run_id:str}/do/{action:str}",
    summary="Do it, as the form says",
    request_max_body_size=forms.MOST_BYTES,
    opt=CONTRIBUTE,
)
async def do(
    run_id: str,
    action: str,
    request: TypedRequest,
    database: Database,
    objects: Objects,
    clock: Clock,
    services: RunnerServices,
    folder: WorkspaceFolder,
    current: CurrentFiles,
) -> Redirect:
    if action not in _DO:
        raise NotFound(f"Nothing on a run's page does {action[:80]!r}.")
    ask_right_of(request, right_of_action(action))
    fields = await forms.fields(request)
    caller = caller_of(request)
    asks = ownership.user() if caller is None else caller.person
    it = Doing(
        run_id, fields, database, objects, clock, services, folder, current, asks, partial(ask_same, request)
    )
    return await _DO[action](it)


async def _cancel(it: Doing) -> Redirect:
    await it.database.write(lambda write: service.cancel(write, it.run_id, it.clock.now()))
    return go_on(run_address(it.run_id), "canceled")


async def _rerun(it: Doing) -> Redirect:
    view = await submit_again(
        it.run_id,
        given(it.fields, "new"),
        given(it.fields, "cluster"),
        from_checkpoint=given(it.fields, "checkpoint") == "yes",
        database=it.database,
        objects=it.objects,
        services=it.services,
        folder=it.folder,
    )
    return go_on(run_address(view.id), "again")


async def _register(it: Doing) -> Redirect:
    name, path = given(it.fields, "name"), given(it.fields, "path").rstrip("/")
    if not name or not path:
        raise UserErrorException("Give the model a name, and the path of a file or folder of the run.")
    asked = Registration(it.run_id, path, given(it.fields, "description"))
    request = given(it.fields, "request") or "page"
    await live.register(it.database, it.objects, it.clock, it.current, name, request, asked)
    return go_on(run_address(it.run_id), "registered")


async def _archive(it: Doing) -> Redirect:
    return await _change(it, RunChange(archived=True), "archived")


async def _unarchive(it: Doing) -> Redirect:
    return await _change(it, RunChange(archived=False), "unarchived")


async def _note(it: Doing) -> Redirect:
    return await _change(it, RunChange(description=it.fields.get("note", "")), "note")


async def _change(it: Doing, change: RunChange, done: str) -> Redirect:
    await it.database.write(lambda write: record.change(write, it.run_id, change, it.clock.now()))
    return go_on(run_address(it.run_id), done)


async def _tags(it: Doing) -> Redirect:
    """One tag is set, or removed."""
    name = it.fields.get("name", "")
    if it.fields.get("remove") == "yes":
        await it.database.write(lambda write: record.remove_tags(write, it.run_id, [name]))
    else:
        values = {name: it.fields.get("value", "")}
        await it.database.write(lambda write: record.set_tags(write, it.run_id, values))
    return go_on(run_address(it.run_id), "tags")


async def _comment(it: Doing) -> Redirect:
    said = CommentText(it.fields.get("text", ""), it.asks)
    await it.database.write(lambda write: comments.add(write, it.run_id, said, it.clock.now()))
    return go_on(run_address(it.run_id), "comment")


async def _uncomment(it: Doing) -> Redirect:
    which = it.fields.get("comment", "")
    await it.database.write(lambda write: comments.remove(write, it.run_id, which, it.may))
    return go_on(run_address(it.run_id), "uncomment")


async def _delete(it: Doing) -> Redirect:
    asked = DeletionRequest(runs=(it.run_id,), user=it.asks)
    view = await deleting.delete(it.database, asked, it.clock.now())
    return go_on(f"/ui/deletions/{view.id}" if view.id is not None else "/ui/runs")


_DO: dict[str, Callable[[Doing], Awaitable[Redirect]]] = {
    "cancel": _cancel,
    "rerun": _rerun,
    "register": _register,
    "archive": _archive,
    "unarchive": _unarchive,
    "delete": _delete,
    "note": _note,
    "tags": _tags,
    "comment": _comment,
    "uncomment": _uncomment,
}


@get("/deletions/{number:int}", summary="Page: what was deleted, which can be undone", opt=READ)
async def show_deletion(number: int, database: Database, folder: WorkspaceFolder) -> Response[str]:
    def build(read: Read) -> str:
        found = next((each for each in deleting.listed(read) if each.id == number), None)
        if found is None:
            raise NotFound(
                f"There is no deletion {number} that could be undone: it was undone, or collected."
            )
        around = {"workspace": folder.name, "place": folder.path.parent, "here": "runs"}
        return render("deletion.html", deletion=found, **around)

    return page(await database.read(build))


@post("/deletions/{number:int}/undo", summary="Bring back what was deleted", opt=OWN)
async def undo_deletion(number: int, request: TypedRequest, database: Database) -> Redirect:
    await forms.fields(request)
    await database.write(lambda write: deleting.undo(write, number))
    return go_on("/ui/runs")


handlers = [show_form, do]
deletion_handlers = [show_deletion, undo_deletion]
