"""The command that opens the workspace's page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.command import command
from faena.cli.common import opened
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.workspaces.schemas import GatewayView


@command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port on 127.0.0.1 (default: the workspace's own, or a free one).",
)
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.option("--close", is_flag=True, help="Sign all browsers out and stop listening.")
def ui(folder: Path | None, port: int | None, no_browser: bool, close: bool) -> None:
    """Open the workspace's page in the browser: runs, charts, logs, clusters, models. See docs/ui.md.

    With FOLDER, that of a run which `faena export` wrote: to look at, without a workspace, until Ctrl-C.
    """
    if folder is not None:
        from faena.cli import exported_page

        if close:
            raise click.UsageError("The page of a FOLDER ends by Ctrl-C.")
        exported_page.show(folder.absolute(), port, _tell, browser=not no_browser)
        return
    gateway = opened().api.gateway
    if close:
        gateway.close()
        click.echo("The page is closed; all browsers are signed out.")
        return
    if no_browser:
        _tell(gateway.open(port))
        return
    import webbrowser

    way_in = gateway.open_page(port)
    if not webbrowser.open(Path(way_in.page).as_uri()):
        _tell(way_in)
        return
    click.echo(f"{way_in.url.partition('/sign-in')[0]}/ui/")
    click.echo("The browser opens it, signed in. If it shows nothing: faena ui --no-browser", err=True)


def _tell(way_in: GatewayView) -> None:
    """The address that signs a browser in, for somebody who brings it there."""
    click.echo(way_in.url)
    click.echo(f"Signs one browser in, within {counted(way_in.seconds, 'second')}.", err=True)


COMMANDS = (ui,)
