"""MLflow's requests go past the framework: its layers took a third of what the server did for a point.

What answers them is loaded when the first one comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from faena.kernel.errors import FaenaError
from faena.kernel.settings import WIRE_HEADER
from faena.mlflow import paths
from faena.mlflow.run_tokens import OF_A_RUN

if TYPE_CHECKING:
    from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

    from faena.mlflow.services import Services

_OURS_TOO = "version"
"""A path of our own, too, which is meant by all who do not come by the gateway, by nodes and by our own clients."""
OF_NODE = "of_node"
"""Where the state of a request says that a node asks for itself."""


class MlflowDoor:
    """Gives the application for requests that are MLflow's. `layers`: what happens to each before, outermost first."""

    def __init__(
        self, services: Callable[[], Services], layers: Sequence[Callable[[ASGIApp], ASGIApp]]
    ) -> None:
        self._services = services
        self._layers = layers
        self._app: ASGIApp | None = None

    def __call__(self, scope: HTTPScope) -> ASGIApp | None:
        path = scope["path"]
        if not paths.is_one(path):
            return None
        state = scope.get("state", {})
        of_script = OF_A_RUN in state  # which a node of ours may ask for
        ours = not state.get("by_gateway") or state.get(OF_NODE) or (_is_ours(scope) and not of_script)
        if path == f"/{_OURS_TOO}" and ours:
            return None
        if self._app is None:
            self._app = self._made()
        return self._app

    def _made(self) -> ASGIApp:
        from faena.mlflow.application import MlflowApplication, say_error
        from faena.mlflow.errors import MlflowError

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await MlflowApplication(self._services())(scope, receive, send)  # type: ignore[arg-type]  # HTTP alone

        app: ASGIApp = answer
        for layer in reversed(self._layers):
            app = layer(app)

        async def told(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except FaenaError as error:  # of the layers, and what damage was seen
                await say_error(send, MlflowError(error.message, "TEMPORARILY_UNAVAILABLE"))

        return told


def _is_ours(scope: HTTPScope) -> bool:
    """Whether a client of our own asks: each says which wire it speaks."""
    wire = WIRE_HEADER.lower().encode()
    return any(name == wire for name, _ in scope["headers"])
