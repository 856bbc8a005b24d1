"""HTTP of the workspace and its experiments."""

from __future__ import annotations

from litestar import Router, get, patch, put

from faena.db import Database
from faena.kernel import experiment_names, ids
from faena.kernel.clock import Clock
from faena.kernel.errors import NotFound
from faena.workspaces import store
from faena.workspaces.model import WorkspaceFolder
from faena.workspaces.schemas import ExperimentChange, ExperimentView, WorkspaceView


@get("/workspace", summary="The workspace that this server owns")
async def show_workspace(folder: WorkspaceFolder) -> WorkspaceView:
    return WorkspaceView(folder.id, folder.name, str(folder.path))


@get("/experiments", summary="Experiments by name")
async def list_experiments(database: Database) -> list[ExperimentView]:
    return [ExperimentView(*row) for row in await database.read(store.list_experiments)]


@put(
    "/experiments",
    status_code=204,
    summary="Create an experiment; repeating it has no second effect",
)
async def create_experiment(name: str, database: Database, clock: Clock) -> None:
    made = ids.check_experiment_name(name)
    await database.write(lambda write: store.create_experiment(write, made, clock.now()))


@patch("/experiments", status_code=204, summary="Archive an experiment, or show it again")
async def change_experiment(name: str, data: ExperimentChange, database: Database, clock: Clock) -> None:
    at = clock.now() if data.archived else None
    spelled = experiment_names.normal(name)
    if not await database.write(lambda write: store.archive_experiment(write, spelled, at)):
        raise NotFound(f"There is no experiment {name[:80]!r} in this workspace.")


router = Router(
    "/",
    route_handlers=[show_workspace, list_experiments, create_experiment, change_experiment],
    tags=["workspace"],
)
