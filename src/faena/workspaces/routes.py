"""HTTP of the workspace and its experiments."""

from __future__ import annotations

import asyncio

from litestar import delete, get, patch, put

from faena.db import Database
from faena.kernel import ids
from faena.kernel.clock import Clock
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.kernel.routing import Router
from faena.workspaces import defaults, identity, service, store
from faena.workspaces.model import WorkspaceFolder
from faena.workspaces.schemas import (
    DefaultDate,
    ExperimentChange,
    ExperimentView,
    WorkspaceChange,
    WorkspaceView,
)


@get("/workspace", summary="The workspace that this server owns", opt=READ)
async def show_workspace(folder: WorkspaceFolder) -> WorkspaceView:
    return _view(folder)


@patch("/workspace", summary="Change the date of environments that name none", opt=OWN)
async def change_workspace(data: WorkspaceChange, folder: WorkspaceFolder) -> WorkspaceView:
    as_of = defaults.checked(data.as_of)
    return _view(await asyncio.to_thread(identity.set_as_of, folder, as_of))


def _view(folder: WorkspaceFolder) -> WorkspaceView:
    return WorkspaceView(folder.id, folder.name, str(folder.path), folder.as_of)


@get("/experiments", summary="Experiments by name", opt=READ)
async def list_experiments(database: Database) -> list[ExperimentView]:
    return await database.read(store.list_experiments)


@put(
    "/experiments",
    status_code=204,
    summary="Create an experiment; repeating it has no second effect",
    opt=CONTRIBUTE,
)
async def create_experiment(name: str, database: Database, clock: Clock) -> None:
    made = ids.check_experiment_name(name)
    await database.write(lambda write: store.create_experiment(write, made, clock.now()))


@get("/experiments/named", summary="An experiment", opt=READ)
async def show_experiment(name: str, database: Database) -> ExperimentView:
    return await database.read(lambda read: service.get(read, name))


@get(
    "/experiments/as-of",
    summary="The date of environments of its runs that name none; empty: they have none",
    opt=READ,
)
async def show_default_date(name: str, database: Database, folder: WorkspaceFolder) -> DefaultDate:
    of_experiment = await database.read(lambda read: defaults.of_experiment(read, name))
    return DefaultDate(of_experiment or folder.as_of)


@patch("/experiments", summary="Archive an experiment or show it again; change its tags", opt=CONTRIBUTE)
async def change_experiment(
    name: str, data: ExperimentChange, database: Database, clock: Clock
) -> ExperimentView:
    return await database.write(lambda write: service.change(write, name, data, clock.now()))


@delete("/experiments", summary="Delete an experiment that has no runs", opt=OWN)
async def delete_experiment(name: str, database: Database) -> None:
    await database.write(lambda write: service.delete(write, name))


router = Router(
    "/",
    route_handlers=[
        show_workspace,
        change_workspace,
        list_experiments,
        create_experiment,
        show_experiment,
        show_default_date,
        change_experiment,
        delete_experiment,
    ],
    tags=["workspace"],
)
