"""Composes the features of one workspace into an application; no rule of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from litestar import get, post
from litestar.config.response_cache import ResponseCacheConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from sqlalchemy.exc import DBAPIError

import faena
from faena.backups.damage import explain
from faena.backups.first_start import prepare_first_start
from faena.backups.history import advice
from faena.backups.service import Backups
from faena.backups.taking import Parts
from faena.compute.backends.joined import JoinedBackend
from faena.compute.backends.local import LocalBackend
from faena.compute.backends.several import Backends
from faena.compute.leases import Leases, Terms
from faena.db import Database
from faena.endpoints.keeper import Keeper as EndpointKeeper
from faena.endpoints.trying import Tries
from faena.environments.builds import Builds
from faena.kernel import settings
from faena.kernel.clock import Clock
from faena.kernel.errors import DatabaseDamaged, FaenaError
from faena.kernel.notifications import Notifications
from faena.kernel.routing import Router
from faena.objects.files import FolderObjects
from faena.objects.service import Objects
from faena.objects.uploads import Uploads
from faena.runs.engine.loop import Engine
from faena.runs.engine.services import RunnerServices
from faena.server import errors
from faena.server.bodies import MOST_BYTES, TypedRequest
from faena.server.cleanup import rotate_now_and_then, seal_secrets, sweep_now_and_then
from faena.server.gateway.gateway import Gateway
from faena.server.lifetime import Activity
from faena.server.middleware import (
    as_named_now,
    bring_first,
    check_wire,
    count_requests,
    look_first,
    refuse_what_is_damaged,
    tell_the_truth,
)
from faena.server.node_listener.listener import NodeListener
from faena.server.pages.failures import Answer, as_page
from faena.server.query_parameters import refuse_unknown_parameters
from faena.server.route_groups import GROUPS, Application
from faena.sweeps import judging as judging  # adds what it does with points to a list
from faena.sweeps.drawer import Drawer
from faena.sweeps.keeper import Keeper
from faena.sweeps.learning.sampler import Sampler
from faena.tidying import retention
from faena.tidying.daily import tidy_daily
from faena.tidying.garbage_collection import Collector
from faena.tracking.model import Limits
from faena.workspaces import needs
from faena.workspaces.model import WorkspaceFolder
from faena.workspaces.schemas import VersionView
from faena.workspaces.secrets import Secrets
from faena.workspaces.signs_of_use import traces


@dataclass(frozen=True, slots=True)
class House:
    """The parts of a running server."""

    folder: WorkspaceFolder
    database: Database
    objects: Objects
    notifications: Notifications
    clock: Clock
    engine: Engine
    activity: Activity
    collector: Collector
    limits: Limits
    backups: Backups
    gateway: Gateway
    node_listener: NodeListener
    leases: Leases
    running: asyncio.Future[Any]
    """What goes on as long as the server does: where it has ended, something is broken."""

    @property
    def broken(self) -> str:
        """Why the server is of no use any more; empty while it is."""
        if (stopped := self.database.stopped) is not None:
            return stopped.message
        if self.running.done() and not self.running.cancelled():
            return f"the engine has ended ({self.running.exception()!r})"
        return ""

    async def has_work(self) -> bool:
        """Whether there is something that a server must be there for, when all is written."""
        if self.node_listener.is_open:  # machines start no server
            return True
        try:
            return await self.database.write(needs.needs_server)
        except (FaenaError, DBAPIError):
            return False

    @property
    def is_idle(self) -> bool:
        """Whether nothing goes on that a server must be there for."""
        busy = self.backups.is_busy or self.gateway.has_links or self.node_listener.is_open
        return self.engine.is_idle and not busy


@get("/version", summary="Version of the package and of the wire")
async def version() -> VersionView:
    return VersionView(faena.__version__, settings.WIRE_VERSION)


@asynccontextmanager
async def open_house(
    folder: WorkspaceFolder, clock: Clock, is_lost: Callable[[], bool] = lambda: False
) -> AsyncIterator[House]:
    """Open everything and run the engine; close it in reverse."""
    notifications = Notifications()
    try:
        database = Database(
            folder.database, on_commit=notifications.notify_from_thread, traces=traces(folder.path)
        )
    except DatabaseDamaged as error:
        raise DatabaseDamaged(f"{error.message} {advice(folder.path)}") from error
    await prepare_first_start(database, folder, clock)
    files = FolderObjects(folder.objects)
    files.explain = partial(explain, database, folder.path)
    objects = Objects(files, database, clock)
    leases = Leases(Terms.of_environment(), clock.monotonic)
    local = LocalBackend(folder.path, moved_from=folder.moved_from)
    backend = Backends(local, JoinedBackend(leases))
    engine = Engine(
        database,
        backend,
        notifications,
        clock,
        attempts=folder.attempts,
        builds=folder.path / "builds",
        leases=leases,
        is_lost=is_lost,
    )
    sampler = Sampler(folder.path / "sampler.log")
    running = asyncio.gather(
        engine.run_forever(),
        engine.look_soon(),
        engine.catch_up(),
        Keeper(database, notifications, clock).run_forever(),
        Drawer(database, notifications, clock, sampler, engine.placement, engine.held).run_forever(),
        EndpointKeeper(database, objects, notifications, clock, folder).run_forever(),
    )
    activity = Activity(clock, quiet_since=clock.monotonic())
    collector = Collector(database, objects.files, clock, objects.busy)
    backups = Backups(
        Parts(folder, objects.files, clock, faena.__version__), collector.busy, database.suspect
    )
    limits = Limits(await database.read(retention.log_limit))
    gateway = Gateway(folder, clock)
    gateway.sweep()
    node_listener = NodeListener(folder, database)
    tidying = asyncio.create_task(tidy_daily(collector, folder.path / "tidied"))
    sweeping = asyncio.gather(
        sweep_now_and_then(folder), rotate_now_and_then(folder), seal_secrets(folder.path)
    )
    try:
        yield House(
            folder,
            database,
            objects,
            notifications,
            clock,
            engine,
            activity,
            collector,
            limits,
            backups,
            gateway,
            node_listener,
            leases,
            running,
        )
    finally:
        await gateway.leave()
        await node_listener.leave()
        await backups.close()
        for task in (sweeping, tidying, running):
            task.cancel()
        await asyncio.gather(sweeping, tidying, running, return_exceptions=True)
        database.close()


def build_app(
    house: House, stop: Callable[[], None], is_lost: Callable[[], bool] = lambda: False
) -> Application:
    """`stop` is called when somebody asks the server to leave; `is_lost`: whether the workspace is there no more."""

    @post("/stop", status_code=202, summary="Ask the server to leave; runs go on and bring it back")
    async def ask_to_stop() -> None:
        stop()

    named_now = as_named_now(house.folder)
    answers: dict[type[Exception], Answer] = {
        FaenaError: errors.answer_faena_error,
        DatabaseDamaged: errors.answer_damage(partial(advice, house.folder.path)),
        HTTPException: errors.answer_http_error,
        RecursionError: errors.answer_unreadable,
        UnicodeDecodeError: errors.answer_unreadable,
        OverflowError: errors.answer_overflow,
        Exception: errors.answer_defect,
    }

    def services() -> RunnerServices:
        return RunnerServices(
            house.database,
            house.objects,
            house.notifications,
            house.clock,
            house.limits,
            named_now(),
            house.engine.placement,
            house.engine.held,
        )

    provided: dict[str, object] = {
        "database": house.database,
        "objects": house.objects,
        "notifications": house.notifications,
        "clock": house.clock,
        "collector": house.collector,
        "limits": house.limits,
        "backups": house.backups,
        "sent": Uploads(house.folder.uploads, house.objects),
        "gateway": house.gateway,
        "node_listener": house.node_listener,
        "leases": house.leases,
        "secrets": Secrets(house.folder.path),
        "tries": Tries(),
        "builds": Builds(house.folder.path / "builds"),
    }
    return Application(
        GROUPS,
        route_handlers=[Router("/", route_handlers=[version, ask_to_stop], tags=["server"])],
        dependencies={
            "folder": Provide(named_now, sync_to_thread=False),
            "services": Provide(services, sync_to_thread=False),
            **{name: Provide(_always(value), sync_to_thread=False) for name, value in provided.items()},
        },
        before_request=refuse_unknown_parameters,
        exception_handlers={kind: as_page(answer, named_now) for kind, answer in answers.items()},
        middleware=[
            count_requests(house.activity),
            look_first(house.folder, is_lost),
            check_wire,
            refuse_what_is_damaged(house.database),
            tell_the_truth(house.engine.caught_up),
            bring_first(house.engine.bring_build_log),
        ],
        openapi_config=OpenAPIConfig(
            title="Faena", version=faena.__version__, path="/schema", render_plugins=[JsonRenderPlugin()]
        ),
        request_class=TypedRequest,
        request_max_body_size=MOST_BYTES,
        response_cache_config=ResponseCacheConfig(default_expiration=None),
        logging_config=None,
    )


def _always(value: object) -> Callable[[], Any]:
    def provide() -> Any:
        return value

    return provide
