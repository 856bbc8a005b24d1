"""`faena ui FOLDER`: the page of a run that was exported, which nobody imports for that."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.client.workspace import Workspace
from faena.kernel.errors import FaenaError
from faena.workspaces.model import create_folder

if TYPE_CHECKING:
    from faena.workspaces.schemas import GatewayView

_NAME = "exported"
_LOOK = 20.0
"""Seconds after which the server is asked for, so that it stays while somebody may look."""


def show(folder: Path, port: int | None, tell: Callable[[GatewayView], None], *, browser: bool) -> None:
    """Until Ctrl-C. `tell`: says the address that signs a browser in.

    Raises UserErrorException for what is no exported run, naming what is wrong with it.
    """
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: ended.set())
    with _scratch() as workspace:
        from faena.client.runs import portable

        found = portable.take(workspace, folder)
        way_in = workspace.api.gateway.open_page(port) if browser else workspace.api.gateway.open(port)
        if browser and _opens(way_in.page):
            click.echo(f"{way_in.url.partition('/sign-in')[0]}/ui/runs/{found.run}")
        else:
            tell(way_in)
        click.echo("It shows a copy and changes nothing. Ctrl-C ends it.", err=True)
        while not ended.wait(_LOOK):
            with suppress(FaenaError):  # the next look starts another server
                workspace.api.version()


@contextmanager
def _scratch() -> Iterator[Workspace]:
    with tempfile.TemporaryDirectory(prefix="faena-exported-", ignore_cleanup_errors=True) as place:
        made = create_folder(Path(place), _NAME)
        made.read_only_mark.touch()
        workspace = Workspace(made.path)
        try:
            yield workspace
        finally:
            with suppress(FaenaError):
                workspace.api.stop()


def _opens(page: str) -> Any:
    import webbrowser

    return webbrowser.open(Path(page).as_uri())
