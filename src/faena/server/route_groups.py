"""The routes of all features. A server makes those of a group when the first request for one of them comes: there are
many, each takes its while, and most servers are asked for few.

A group's modules are loaded then, too. What a feature adds to lists or to the database's tables is in modules that the
server's parts load.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ControllerRouterHandler

from faena.kernel.routing import Router

if TYPE_CHECKING:
    from litestar.types.asgi_types import (
        ASGIApp,
        HTTPScope,
        LifeSpanReceive,
        LifeSpanScope,
        LifeSpanSend,
        Receive,
        Scope,
        Send,
    )

Load = Callable[[], Sequence[ControllerRouterHandler]]
Beside = Callable[["HTTPScope"], "ASGIApp | None"]
"""What answers a request in the place of the framework, whose layers cost more than what most of them ask for."""
Around = Callable[["ASGIApp"], "ASGIApp"]
SCHEMA = "schema"
"""The first word of the paths that tell of all routes."""


class Application(Litestar):
    """Without what Litestar loads for classes of other libraries where these are installed: ours are of msgspec."""

    def __init__(
        self,
        groups: dict[tuple[str, ...], Load],
        *,
        beside: Beside = lambda _: None,
        around: Around = lambda app: app,
        **options: Any,
    ) -> None:
        """`groups`: routes by the first words of their paths. `around`: a layer around all that is answered."""
        self._answer_around = around(self._answer)
        self._beside = beside
        self._waiting: dict[str, list[tuple[tuple[str, ...], Load]]] = {}
        for group in groups.items():
            for word in group[0]:
                self._waiting.setdefault(word, []).append(group)
        super().__init__(**options)

    async def __call__(
        self,
        scope: Scope | LifeSpanScope,
        receive: Receive | LifeSpanReceive,
        send: Send | LifeSpanSend,
    ) -> None:
        await self._answer_around(cast("Scope", scope), cast("Receive", receive), cast("Send", send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            asked = scope
            if (other := self._beside(asked)) is not None:
                asked["litestar_app"] = self
                asked.setdefault("state", {})
                await other(asked, receive, send)
                return
            if self._waiting:
                self._make(str(scope.get("path", "")).lstrip("/").partition("/")[0])
        await super().__call__(scope, receive, send)

    def make_all(self) -> None:
        """Make the routes of all groups."""
        while self._waiting:
            self._make(next(iter(self._waiting)))

    def _make(self, word: str) -> None:
        if word == SCHEMA:
            self.make_all()
        for words, load in self._waiting.pop(word, ()):
            for other in words:
                if (waiting := self._waiting.get(other)) is not None:
                    waiting.remove((words, load))
                    if not waiting:
                        del self._waiting[other]
            for routes in load():
                self.register(routes)

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def _backups() -> Sequence[ControllerRouterHandler]:
    from faena.backups.routes import router

    return [router]


def _clusters() -> Sequence[ControllerRouterHandler]:
    from faena.compute.routes import router

    return [router]


def _data() -> Sequence[ControllerRouterHandler]:
    from faena.data.routes import router

    return [router]


def _endpoints() -> Sequence[ControllerRouterHandler]:
    from faena.endpoints.routes import router

    return [router]


def _environments() -> Sequence[ControllerRouterHandler]:
    from faena.environments.routes import routers

    return routers


def _gateway() -> Sequence[ControllerRouterHandler]:
    from faena.server.gateway.routes import router

    return [router]


def _mlflow_imports() -> Sequence[ControllerRouterHandler]:
    from faena.mlflow.moving.routes import router

    return [router]


def _models() -> Sequence[ControllerRouterHandler]:
    from faena.models.routes import handlers, list_names
    from faena.tidying.routes import delete_model

    return [
        Router("/models", route_handlers=[*handlers, delete_model], tags=["models"]),
        Router("/model-names", route_handlers=[list_names], tags=["models"]),
    ]


def _notices() -> Sequence[ControllerRouterHandler]:
    from faena.notices.routes import router

    return [router]


def _quotas() -> Sequence[ControllerRouterHandler]:
    from faena.runs.quotas.routes import router

    return [router]


def _objects() -> Sequence[ControllerRouterHandler]:
    from faena.objects.routes import routers

    return routers


def _pages() -> Sequence[ControllerRouterHandler]:
    from faena.server.pages.routes import router

    return [router]


def _operation() -> Sequence[ControllerRouterHandler]:
    from faena.server.operation.routes import router

    return [router]


def _people() -> Sequence[ControllerRouterHandler]:
    from faena.people.routes import router

    return [router]


def _portable() -> Sequence[ControllerRouterHandler]:
    from faena.portable.routes import router

    return [router]


def _queues() -> Sequence[ControllerRouterHandler]:
    from faena.runs.waiting_line.routes import router

    return [router]


def _ray() -> Sequence[ControllerRouterHandler]:
    from faena.compute.backends.ray.routes import routers

    return routers


def _runners() -> Sequence[ControllerRouterHandler]:
    from faena.endpoints.elsewhere.routes import router as endpoints
    from faena.runs.engine.routes import router
    from faena.server.node_listener.routes import router as nodes

    return [router, nodes, endpoints]


def _runs() -> Sequence[ControllerRouterHandler]:
    from faena.runs.routes import router, start
    from faena.search.routes import list_runs

    return [router, Router("/runs", route_handlers=[list_runs, start], tags=["runs"])]


def _secrets() -> Sequence[ControllerRouterHandler]:
    from faena.workspaces.secret_routes import router

    return [router]


def _sweeps() -> Sequence[ControllerRouterHandler]:
    from faena.sweeps.routes import router

    return [router]


def _tidying() -> Sequence[ControllerRouterHandler]:
    from faena.tidying.routes import router

    return [router]


def _traces() -> Sequence[ControllerRouterHandler]:
    from faena.traces.evaluation_sets.routes import router as evaluation_sets
    from faena.traces.routes import router

    return [router, evaluation_sets]


def _views() -> Sequence[ControllerRouterHandler]:
    from faena.workspaces.view_routes import router

    return [router]


def _workspaces() -> Sequence[ControllerRouterHandler]:
    from faena.workspaces.routes import router

    return [router]


GROUPS: dict[tuple[str, ...], Load] = {
    ("workspace", "experiments"): _workspaces,
    ("secrets",): _secrets,
    ("me", "people", "audit-log", "experiments"): _people,
    ("metrics",): _operation,
    ("views",): _views,
    ("notices",): _notices,
    ("quotas",): _quotas,
    ("snapshots", "datasets", "datastores", "file-datasets", "sample-data"): _data,
    ("objects", "uploads"): _objects,
    ("clusters",): _clusters,
    ("queues",): _queues,
    ("runs",): _runs,
    ("nodes", "attempts"): _runners,
    ("ray", "runner.zip"): _ray,
    ("sweeps",): _sweeps,
    ("endpoints",): _endpoints,
    ("models", "model-names"): _models,
    ("traces", "evaluation-sets"): _traces,
    ("mlflow-imports",): _mlflow_imports,
    ("deletions", "collections", "retention", "usage"): _tidying,
    ("backups", "repairs"): _backups,
    ("runs", "imports"): _portable,
    ("environments", "built-environments", "environment-builds", "environment-locks"): _environments,
    ("door",): _gateway,
    ("ui",): _pages,
}
"""What makes a group's routes, by the first words of their paths."""
