"""The commands that make a workspace and rename it."""

from __future__ import annotations

import os
from pathlib import Path

import rich_click as click

from faena.cli.command import command
from faena.cli.common import opened, workspace_name_of
from faena.kernel.settings import WORKSPACE_FOLDER


@command(workspace=False)
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@click.option("--name", help="The workspace's name (default: that in its config.json, else the folder's).")
def init(folder: Path, name: str | None) -> None:
    """Make a workspace in FOLDER (default: here) and write its config.json, whose other keys stay."""
    from faena.client.workspace import Workspace
    from faena.client.workspaces.opened import config_folder, named_in

    if name is None and (folder / WORKSPACE_FOLDER).exists():
        workspace = Workspace(folder)
    else:
        wanted = name or named_in(folder.absolute()) or workspace_name_of(folder)
        workspace = Workspace.create(wanted, folder, exist_ok=True)
    place = config_folder(folder.absolute())
    config = os.path.relpath(place / "config.json", folder.absolute())
    kept = workspace.write_config(place)
    if kept:
        click.echo(f"{config} said something else of the workspace; it is kept as {kept}.", err=True)
    click.echo(f"Workspace {workspace.name} in {workspace.folder}; {config} written.")


@command()
@click.argument("name")
def rename(name: str) -> None:
    """Give the workspace around another NAME, also in the config.json of its folder."""
    workspace = opened()
    before = workspace.name
    workspace.rename(name)
    click.echo(f"{before} in {workspace.folder} is called {workspace.name} now.")


COMMANDS = (init, rename)
