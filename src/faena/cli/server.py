"""`faena server`: the process that owns the workspace."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import group
from faena.cli.common import opened


@group()
def server() -> None:
    """The workspace's server; it starts by itself and leaves when idle."""


@server.command()
def stop() -> None:
    """Ask the server to leave. Runs go on; those that have not ended bring it back."""
    from faena.kernel.discovery import Rendezvous, is_held
    from faena.kernel.settings import SERVER_LOCK

    workspace = opened()
    folder = workspace.files.path
    # one with another runtime folder holds the second lock alone, and the request below names it
    if not is_held(Rendezvous(folder).election) and not is_held(folder / SERVER_LOCK):
        click.echo(f"The workspace {workspace.name} has no server now.")
        return
    workspace.api.stop()
    click.echo(f"The server of {workspace.name} was asked to leave.")


COMMANDS = (server,)
