"""Composes the features of one workspace into a running server; no rule of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.exc import DBAPIError

import faena
from faena.backups.damage import explain
from faena.backups.first_start import prepare_first_start
from faena.backups.history import advice
from faena.backups.service import Backups
from faena.backups.taking import Parts
from faena.compute.backends.joined import JoinedBackend
from faena.compute.backends.local import LocalBackend
from faena.compute.backends.ray.keeper import RayKeeper
from faena.compute.backends.ray.runner_file import runner_file
from faena.compute.backends.several import Backends
from faena.compute.leases import Leases, Terms
from faena.db import Database
from faena.endpoints.elsewhere.machines import Machines
from faena.endpoints.keeper import Keeper as EndpointKeeper
from faena.kernel.clock import Clock
from faena.kernel.errors import DatabaseDamaged, FaenaError
from faena.kernel.notifications import Notifications
from faena.models import kept as kept  # what models keep counts for quotas
from faena.models.logged import store as logged_models  # noqa: F401  adds its tables
from faena.models.logged import uses as uses  # adds its table
from faena.notices.keeper import Keeper as NoticeKeeper
from faena.notices.means import means_of
from faena.notices.service import Targets
from faena.objects.service import Objects
from faena.people import sharing_store  # noqa: F401  adds its table
from faena.people import store as people_store  # noqa: F401  adds its tables
from faena.people.settings import Settings
from faena.runs import attempt_store
from faena.runs import byte_quotas as byte_quotas  # which refuse objects before anybody asks about runs
from faena.runs import external as external  # adds what it does at the ends of runs to a list
from faena.runs import used_datasets as used_datasets  # adds its table
from faena.runs.comments import store as comments  # noqa: F401  adds its table
from faena.runs.engine.loop import Engine
from faena.runs.far_files import FarFiles
from faena.server import object_files
from faena.server.background import Background
from faena.server.cleanup import rotate_now_and_then, seal_secrets, sweep_now_and_then
from faena.server.gateway.gateway import Gateway
from faena.server.lifetime import Activity
from faena.server.node_listener.listener import NodeListener
from faena.server.operation.watched import Watched
from faena.server.team.listener import TeamListener
from faena.sweeps import judging as judging  # adds what it does with points to a list
from faena.sweeps.drawer import Drawer
from faena.sweeps.keeper import Keeper
from faena.sweeps.learning.sampler import Sampler
from faena.tidying import retention
from faena.tidying.daily import tidy_daily
from faena.tidying.garbage_collection import Collector
from faena.traces import store as trace_store  # noqa: F401  adds its tables
from faena.traces.evaluation_sets import store as evaluation_sets  # noqa: F401  adds its tables
from faena.tracking.model import Limits
from faena.workspaces import database_place, needs
from faena.workspaces import store as workspaces
from faena.workspaces.model import WorkspaceFolder
from faena.workspaces.secrets import RAY_TOKENS, Secrets
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
    team: TeamListener
    leases: Leases
    machines: Machines
    far: FarFiles
    ray_keeper: RayKeeper
    watched: Watched
    notice_targets: Targets
    notice_keeper: NoticeKeeper
    background: Background
    """What goes on as long as the server does, in the process that leads."""

    @property
    def broken(self) -> str:
        """Why the server is of no use any more; empty while it is."""
        if (stopped := self.database.stopped) is not None:
            return stopped.message
        return self.background.broken

    async def has_work(self) -> bool:
        """Whether there is something that a server must be there for, when all is written."""
        try:
            return await self.database.write(needs.needs_server)
        except (FaenaError, DBAPIError):
            return False

    async def do_runs_go_on(self) -> bool:
        """Whether a script may still want to be answered."""
        return bool(await self.database.read(attempt_store.open_attempts))

    @property
    def is_idle(self) -> bool:
        """Whether nothing goes on that a server must be there for."""
        gateway = self.gateway.has_links or self.gateway.is_open_to_programs
        busy = self.backups.is_busy or gateway or self.node_listener.is_open
        return self.engine.is_idle and not busy and not self.team.is_meant_to_be_open


@asynccontextmanager
async def open_house(
    folder: WorkspaceFolder,
    clock: Clock,
    is_lost: Callable[[], bool] = lambda: False,
    settings: Settings | None = None,
    *,
    leads: bool = True,
) -> AsyncIterator[House]:
    """Open everything and run the engine; close it in reverse. `settings`: of a shared server.

    `leads`: False for one of several processes, whose `background` begins when it leads.
    """
    notifications = Notifications()
    try:
        at = database_place.place(folder.path)
        database = Database(at, on_commit=notifications.notify_from_thread, traces=traces(folder.path))
    except DatabaseDamaged as error:
        raise DatabaseDamaged(f"{error.message} {advice(folder.path)}") from error
    if not isinstance(at, Path):
        await database.write(lambda write: workspaces.claim_database(write, folder.id))
        database_place.is_ours(folder.path)
    files = await asyncio.to_thread(object_files.opened, folder, alone=isinstance(at, Path))
    files.explain = partial(explain, database, folder.path)
    objects = Objects(files, database, clock, alone=isinstance(at, Path))
    leases = Leases(Terms.of_environment(), clock.monotonic)
    machines = Machines(notifications, leases)
    far = FarFiles(notifications, leases)
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
    node_listener = NodeListener(folder, database, clock, leases)
    ray_keeper = RayKeeper(
        database,
        notifications,
        clock,
        leases,
        Secrets(folder.path, RAY_TOKENS),
        folder.id,
        node_listener.address,
        lambda: runner_file().digest,
    )
    notice_targets = Targets(folder.path)
    notice_keeper = NoticeKeeper(
        database, notifications, clock, notice_targets, folder.name, means_of(settings), lambda: team.url
    )
    sampler = Sampler(folder.path / "sampler.log")
    activity = Activity(clock, quiet_since=clock.monotonic())
    collector = Collector(database, objects.files, clock, objects.busy, isinstance(at, Path))
    backups = Backups(
        Parts(folder, objects.files, clock, faena.__version__), collector.busy, database.suspect
    )
    limits = Limits()
    gateway = Gateway(folder, clock)

    async def prepare() -> None:
        await prepare_first_start(database, folder, clock)
        await objects.fresh.begin()
        limits.log_bytes = await database.read(retention.log_limit)
        gateway.sweep()
        engine.caught_up.clear()

    background = Background(
        prepare,
        lambda: [
            engine.run_forever(),
            engine.look_soon(),
            engine.catch_up(),
            Keeper(database, notifications, clock).run_forever(),
            Drawer(database, notifications, clock, sampler, engine.placement, engine.held).run_forever(),
            EndpointKeeper(database, objects, notifications, clock, folder, machines, leases).run_forever(),
            ray_keeper.run_forever(),
            notice_keeper.run_forever(),
        ],
        lambda: [
            tidy_daily(collector, folder.path / "tidied"),
            sweep_now_and_then(folder),
            rotate_now_and_then(folder),
            seal_secrets(folder.path),
        ],
    )
    kind = "sqlite" if isinstance(at, Path) else "postgresql"
    watched = Watched(database, kind, objects.files, clock, lambda: bool(background.broken))
    team = TeamListener(folder, database, notifications, clock, settings, watched)
    bringing = asyncio.create_task(objects.fresh.bring_forever())
    if leads:
        await background.begin()
    else:
        engine.caught_up.set()
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
            team,
            leases,
            machines,
            far,
            ray_keeper,
            watched,
            notice_targets,
            notice_keeper,
            background,
        )
    finally:
        await gateway.leave()
        await node_listener.leave()
        await team.leave()
        await backups.close()
        await background.end()
        bringing.cancel()
        await asyncio.gather(bringing, return_exceptions=True)
        with suppress(FaenaError, OSError, DBAPIError):  # the next server does it, then
            await objects.fresh.bring()
        database.close()
