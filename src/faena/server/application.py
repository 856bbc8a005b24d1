"""The application of a server: what its routes are given, and what happens to each request."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from litestar import get, post
from litestar.config.response_cache import ResponseCacheConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig

import faena
from faena.backups.history import advice
from faena.endpoints.reaching import Reach
from faena.endpoints.trying import Tries
from faena.environments.builds import Builds
from faena.kernel import settings
from faena.kernel.errors import DatabaseDamaged, FaenaError, UserErrorException
from faena.kernel.rights import OWN, READ
from faena.kernel.routing import Router
from faena.mlflow.services import Services
from faena.objects.uploads import Uploads
from faena.people.callers import ask_right
from faena.runs.current_files import CurrentFiles
from faena.runs.engine.services import RunnerServices
from faena.server import errors
from faena.server.app import House
from faena.server.bodies import MOST_BYTES, TypedRequest
from faena.server.middleware import (
    as_named_now,
    bring_first,
    check_wire,
    count_requests,
    look_first,
    refuse_what_is_damaged,
    tell_the_truth,
)
from faena.server.mlflow_door import MlflowDoor
from faena.server.operation.requests import counting
from faena.server.pages.failures import Answer, as_page
from faena.server.passing.requests import Led, pass_on
from faena.server.query_parameters import refuse_unknown_parameters
from faena.server.reference.completing import Described
from faena.server.route_groups import GROUPS, Application
from faena.server.ship_door import ShipDoor
from faena.workspaces.model import WorkspaceFolder
from faena.workspaces.schemas import VersionView
from faena.workspaces.secrets import Secrets

_STARTED = time.time()


async def _not_here() -> None:
    raise UserErrorException("This server is not restarted in its place. `faena server stop` ends it.")


@get("/version", summary="Version of the package and of the wire", opt=READ)
async def version() -> VersionView:
    """At an address for whoever sends `Faena-Wire: 1`; others are told MLflow's release, as its clients expect."""
    return VersionView(faena.__version__, settings.WIRE_VERSION, _STARTED)


class Tenant:
    """Whom an application serves. Its routes may be made before that is known, by who starts many servers."""

    __slots__ = ("house", "is_lost", "led", "mlflow", "named_now", "provided", "restart", "stop")

    house: House
    stop: Callable[[], None]
    restart: Callable[[], Awaitable[None]]
    """Raises UserErrorException where there will be none."""
    is_lost: Callable[[], bool]
    named_now: Callable[[], WorkspaceFolder]
    provided: dict[str, object]
    """By the names under which routes ask for it."""
    mlflow: Services
    led: Led | None
    """Whether this process leads, and who does; None where it is the only one."""

    def move_in(
        self,
        house: House,
        stop: Callable[[], None],
        is_lost: Callable[[], bool],
        led: Led | None = None,
        restart: Callable[[], Awaitable[None]] = _not_here,
    ) -> None:
        self.restart = restart
        self.house = house
        self.led = led
        self.stop = stop
        self.is_lost = is_lost
        self.named_now = as_named_now(house.folder)
        self.provided = {
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
            "machines": house.machines,
            "far": house.far,
            "reach": Reach(house.folder.path, house.machines),
            "ray_keeper": house.ray_keeper,
            "notice_targets": house.notice_targets,
            "notice_keeper": house.notice_keeper,
            "secrets": Secrets(house.folder.path),
            "tries": Tries(),
            "watched": house.watched,
            "builds": Builds(house.folder.path / "builds"),
        }
        self.mlflow = Services(house.database, house.objects, house.clock, self.folder)

    def folder(self) -> WorkspaceFolder:
        return self.named_now()

    def services(self) -> RunnerServices:
        house = self.house
        return RunnerServices(
            house.database,
            house.objects,
            house.notifications,
            house.clock,
            house.limits,
            self.named_now(),
            house.engine.placement,
            house.engine.held,
            house.engine.together,
            house.engine.stops,
            house.far,
        )

    def fingerprint(self) -> str:
        """Of the certificate that tokens of people name."""
        return self.house.team.fingerprint

    def current(self) -> CurrentFiles:
        return CurrentFiles(self.house.database, self.house.objects, self.named_now(), self.house.far)


_PROVIDED = (
    *("database", "objects", "notifications", "clock", "collector", "limits"),
    *("backups", "sent", "gateway", "node_listener", "leases", "machines", "far", "reach"),
    *("ray_keeper", "secrets", "tries", "builds", "watched", "notice_targets", "notice_keeper"),
)


def build_app(
    house: House,
    stop: Callable[[], None],
    is_lost: Callable[[], bool] = lambda: False,
    led: Led | None = None,
    restart: Callable[[], Awaitable[None]] = _not_here,
) -> Application:
    """`stop` is called when somebody asks the server to leave; `is_lost`: whether the workspace is there no more.

    `led`: who leads, where there may be several processes. `restart`: has the next server take its place.
    """
    tenant = Tenant()
    tenant.move_in(house, stop, is_lost, led, restart)
    return app_for(tenant)


def app_for(tenant: Tenant) -> Application:
    @post("/stop", status_code=202, summary="Ask the server to leave; runs go on and bring it back", opt=OWN)
    async def ask_to_stop(unless_shared: bool = False) -> None:
        if not (unless_shared and tenant.house.team.is_meant_to_be_open):
            tenant.stop()

    @post(
        "/restart",
        status_code=202,
        summary="Restart the server in its place: who connects meanwhile waits, and is not refused",
        description="409 where the next one would not start, with the reason; this one goes on then.",
        opt=OWN,
    )
    async def ask_to_restart() -> None:
        await tenant.restart()

    answers: dict[type[Exception], Answer] = {
        FaenaError: errors.answer_faena_error,
        DatabaseDamaged: errors.answer_damage(lambda: advice(tenant.house.folder.path)),
        HTTPException: errors.answer_http_error,
        RecursionError: errors.answer_unreadable,
        UnicodeDecodeError: errors.answer_unreadable,
        OverflowError: errors.answer_overflow,
        Exception: errors.answer_defect,
    }
    shown = {kind: as_page(answer, tenant.folder) for kind, answer in answers.items()}
    layers = [
        count_requests(lambda: tenant.house.activity),
        look_first(lambda: tenant.house.folder, lambda: tenant.is_lost()),
        refuse_what_is_damaged(lambda: tenant.house.database),
    ]
    mlflow = MlflowDoor(lambda: tenant.mlflow, layers)
    ship = ShipDoor(tenant.services, lambda: tenant.led, [*layers, check_wire], shown)
    return Application(
        GROUPS,
        around=counting(lambda: tenant.house.watched.requests),
        beside=lambda scope: ship(scope) or mlflow(scope),
        route_handlers=[Router("/", route_handlers=[version, ask_to_stop, ask_to_restart], tags=["server"])],
        dependencies={
            "folder": Provide(tenant.folder, sync_to_thread=False),
            "fingerprint": Provide(tenant.fingerprint, sync_to_thread=False),
            "current": Provide(tenant.current, sync_to_thread=False),
            "services": Provide(tenant.services, sync_to_thread=False),
            **{name: Provide(_provided(tenant, name), sync_to_thread=False) for name in _PROVIDED},
        },
        before_request=refuse_unknown_parameters,
        exception_handlers=shown,
        middleware=[
            pass_on(lambda: tenant.led),
            count_requests(lambda: tenant.house.activity),
            look_first(lambda: tenant.house.folder, lambda: tenant.is_lost()),
            check_wire,
            refuse_what_is_damaged(lambda: tenant.house.database),
            tell_the_truth(lambda: tenant.house.engine.caught_up),
            bring_first(lambda run_id: tenant.house.engine.bring_build_log(run_id)),
            ask_right,
        ],
        openapi_config=OpenAPIConfig(
            title="Faena", version=faena.__version__, path="/schema", render_plugins=[Described()]
        ),
        request_class=TypedRequest,
        request_max_body_size=MOST_BYTES,
        response_cache_config=ResponseCacheConfig(default_expiration=None),
        logging_config=None,
    )


def _provided(tenant: Tenant, name: str) -> Callable[[], Any]:
    def provide() -> Any:
        return tenant.provided[name]

    return provide
