"""The command that opens the workspace's page."""

from __future__ import annotations

import rich_click as click

from faena.cli.common import opened


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port on 127.0.0.1 (default: the workspace's own, or a free one).",
)
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.option("--close", is_flag=True, help="Sign all browsers out and stop listening.")
def ui(port: int | None, no_browser: bool, close: bool) -> None:
    """Open the workspace's page in the browser: runs, charts, logs, clusters, models. See docs/ui.md."""
    door = opened().api.door
    if close:
        door.close()
        click.echo("The page is closed; all browsers are signed out.")
        return
    way_in = door.open(port)
    click.echo(way_in.url)
    click.echo(f"Signs one browser in, within {way_in.seconds:g} seconds.", err=True)
    if not no_browser:
        import webbrowser

        webbrowser.open(way_in.url)


COMMANDS = (ui,)
