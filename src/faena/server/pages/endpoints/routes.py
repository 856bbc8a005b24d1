"""HTTP of the pages of endpoints. Their fronts are asked how they are only while somebody looks."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from litestar import Response, get
from litestar.response import Stream

from faena.db import Database, Read
from faena.endpoints import service, store, trying
from faena.endpoints.activity import curves
from faena.endpoints.model import Endpoint
from faena.endpoints.reaching import Reach
from faena.endpoints.service import ENDPOINTS
from faena.kernel.notifications import Notifications
from faena.kernel.rights import READ
from faena.scoring.history import Recent
from faena.server.pages import streams
from faena.server.pages.endpoints import page as endpoint_page
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder


@get("/endpoints", summary="Page: endpoints, what they serve and what is asked of them", opt=READ)
async def many(database: Database, folder: WorkspaceFolder, reach: Reach) -> Response[str]:
    recent = await reach.recent(await database.read(store.list_all))

    def build(read: Read) -> str:
        found = endpoint_page.many(read, reach, recent)
        return render("endpoints.html", endpoints=found, **_around(folder))

    return page(await database.read(build))


@get("/endpoints/{name:str}", summary="Page: an endpoint", opt=READ)
async def show(
    name: str, database: Database, folder: WorkspaceFolder, reach: Reach, log: str = ""
) -> Response[str]:
    """`log`: the number of a revision, or "front"."""
    endpoint = await database.read(lambda read: service.get(read, name))
    recent = await _recent(reach, endpoint)
    given = await database.read(lambda read: _sample(read, endpoint))
    sample = await trying.sample(reach, endpoint, given)
    text = await endpoint_page.log_of(reach, endpoint, log)

    def build(read: Read) -> str:
        found = endpoint_page.one(read, reach, name, recent, log, text)
        return render("endpoint.html", part=found, sample=sample, asked=log, **_around(folder))

    return page(await database.read(build))


@get("/endpoints/{name:str}/parts", summary="The parts of an endpoint's page that change", opt=READ)
async def parts(name: str, database: Database, reach: Reach, log: str = "") -> Response[str]:
    endpoint = await database.read(lambda read: service.get(read, name))
    recent = await _recent(reach, endpoint)
    text = await endpoint_page.log_of(reach, endpoint, log)

    def build(read: Read) -> str:
        found = endpoint_page.one(read, reach, name, recent, log, text)
        return render("endpoint/parts.html", part=found)

    return page(await database.read(build))


@get(
    "/endpoints/{name:str}/activity",
    summary="What an endpoint did in the last ten minutes, for its charts",
    opt=READ,
)
async def activity(name: str, database: Database, reach: Reach) -> Response[bytes]:
    endpoint = await database.read(lambda read: service.get(read, name))
    recent = await _recent(reach, endpoint)
    found = None if recent is None else await asyncio.to_thread(curves, recent)
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(found), media_type="application/json", headers=headers)


@get("/endpoint-changes", summary="Stream: something about the endpoints has changed", opt=READ)
async def changes(notifications: Notifications) -> Stream:
    return streams.answer(streams.changes(notifications, ENDPOINTS))


async def _recent(reach: Reach, endpoint: Endpoint) -> Recent | None:
    return (await reach.recent([endpoint])).get(endpoint.name)


def _sample(read: Read, endpoint: Endpoint) -> str | None:
    """Of the newest revision that answers."""
    answering = [
        each for each in store.revisions_of(read, [endpoint.name]) if each.number in endpoint.traffic
    ]
    return max(answering, key=lambda each: each.number).spec.sample if answering else None


def _around(folder: WorkspaceFolder) -> dict[str, Any]:
    return {"workspace": folder.name, "place": folder.path.parent, "here": "endpoints"}


handlers = [many, show, parts, activity, changes]
