"""HTTP of the model registry."""

from __future__ import annotations

from litestar import Router, get, put

from faena.db import Database
from faena.kernel.clock import Clock
from faena.models import service
from faena.models.schemas import ModelView, Registration


@put(
    "/{name:str}/registrations/{request_id:str}",
    summary="Register a model; repeating it has no second effect",
)
async def register(
    name: str, request_id: str, data: Registration, database: Database, clock: Clock
) -> ModelView:
    return await database.write(lambda write: service.register(write, name, request_id, data, clock.now()))


@get("/", summary="Registered models")
async def list_models(
    database: Database, name: str | None = None, run_id: str | None = None, latest: bool = False
) -> list[ModelView]:
    return await database.read(
        lambda read: service.list_models(read, name=name, run_id=run_id, latest=latest)
    )


@get("/{name:str}", summary="The latest version of a model")
async def show_latest(name: str, database: Database) -> ModelView:
    return await database.read(lambda read: service.view(read, service.get(read, name, None)))


@get("/{name:str}/versions/{version:int}", summary="One version of a model")
async def show_version(name: str, version: int, database: Database) -> ModelView:
    return await database.read(lambda read: service.view(read, service.get(read, name, version)))


router = Router("/models", route_handlers=[register, list_models, show_latest, show_version], tags=["models"])
