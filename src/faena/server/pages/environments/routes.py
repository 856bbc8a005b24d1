"""HTTP of the pages of environments. The disk is looked at on the lane of bytes, the database on a reader's thread."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter

from faena.db import Database, Read
from faena.kernel.lanes import BYTES
from faena.kernel.rights import READ
from faena.server.pages.environments import list as environment_list
from faena.server.pages.environments import page as environment_page
from faena.server.pages.list_parameters import Start, Text
from faena.server.pages.rendering import page, render
from faena.workspaces.model import WorkspaceFolder

NamedStart = Annotated[int, Parameter(query="named", ge=0, le=10_000_000)]
Other = Annotated[str, Parameter(query="with", max_length=64)]
Version = Annotated[int | None, Parameter(query="version", ge=1, le=2**31 - 1)]


@get("/environments", summary="Page: environments on this machine, and those registered by name", opt=READ)
async def environments(
    database: Database,
    folder: WorkspaceFolder,
    text: Text = "",
    start: Start = 0,
    named_start: NamedStart = 0,
) -> Response[str]:
    seen = await BYTES.run(environment_list.look, text, start)

    def build(read: Read) -> str:
        found = environment_list.build(read, seen, text, start, named_start)
        return render("environments.html", found=found, **_around(folder))

    return page(await database.read(build))


@get("/environments/{digest:str}", summary="Page: an environment, its lock and its build", opt=READ)
async def environment(
    digest: str, database: Database, folder: WorkspaceFolder, other: Other = ""
) -> Response[str]:
    seen = await BYTES.run(environment_page.look, digest, other)

    def build(read: Read) -> str:
        found = environment_page.build(read, digest, seen, other)
        return render("environment.html", part=found, **_around(folder))

    return page(await database.read(build))


@get("/environments/named/{name:str}", summary="Page: a registered environment, and its versions", opt=READ)
async def named_environment(
    name: str, database: Database, folder: WorkspaceFolder, version: Version = None, start: Start = 0
) -> Response[str]:
    def build(read: Read) -> str:
        found = environment_page.named(read, name, version, start)
        return render("named_environment.html", part=found, **_around(folder))

    return page(await database.read(build))


def _around(folder: WorkspaceFolder) -> dict[str, object]:
    return {"workspace": folder.name, "place": folder.path.parent, "here": "environments"}


handlers = [environments, environment, named_environment]
