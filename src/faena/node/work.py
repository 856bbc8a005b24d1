"""What a process of a node does: run what the server gives it, finish for one that died, or follow a user's process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.folder import ATTEMPTS
from faena.attempts.key import AttemptKey
from faena.kernel import settings
from faena.kernel.discovery import Rendezvous
from faena.kernel.errors import WorkspaceException
from faena.kernel.transport import Transport
from faena.node import attempt, follower
from faena.node.forking import ForkServer
from faena.node.home import InPlace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.node.warm.starts import WarmStarts

_PATIENCE = 3600.0
"""Seconds for which a runner goes on looking for a server before it leaves its attempt to whoever adopts it."""
_WAIT = 25.0
"""Seconds that the server may hold a request for work."""


def serve(folder: Path, node: str, forks: ForkServer | None) -> None:
    """Be a node until the server wants none. `forks`: None where each guard is started by itself."""
    sockets = Rendezvous(folder).nodes
    answer: dict[str, Any] = {}
    with _server_of(folder) as api:
        home, warm = InPlace(folder, api), None
        while not answer.get("leave"):
            order = answer.get("order")
            if not order:
                answer = api.work(node, _WAIT)
                continue
            if order.get("warm") and warm is None:
                warm = _warm_starts()
            answer = attempt.run(order, api, home, node, sockets, forks, warm)


def _warm_starts() -> WarmStarts:
    from faena.node.warm.starts import WarmStarts  # few nodes need it

    return WarmStarts(settings.home_path() / "warm")


def adopt(folder: Path, name: str) -> None:
    """Finish an attempt whose runner died."""
    with _server_of(folder) as api:
        attempt.adopt(AttemptKey.of_name(name), folder / ATTEMPTS, api)


def watch(folder: Path, process: str) -> None:
    """Follow the runs that a process of the user's writes."""
    with _server_of(folder) as api:
        follower.watch(process, api)


@contextmanager
def _server_of(folder: Path) -> Iterator[ServerApi]:
    try:
        yield ServerApi(Transport(folder, patience=_PATIENCE, persevering=True))
    except WorkspaceException as error:  # it was removed: there is nothing left to work for
        sys.exit(f"leaving: {error.message}")
