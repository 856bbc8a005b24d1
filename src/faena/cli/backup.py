"""`faena backup` and `faena restore`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rich_click as click

from faena.cli.common import json_option, print_json
from faena.cli.common import workspace as open_workspace

_WAIT = 1.0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--verify", is_flag=True, help="Also read again what an earlier backup there holds.")
@json_option
def backup(folder: Path, verify: bool, as_json: bool) -> None:
    """Copy the workspace into FOLDER while it works; again into the same FOLDER copies what is new.

    Ctrl-C leaves the backup going on.
    """
    from rich.console import Console

    from faena.backups.schemas import BackupRequest
    from faena.cli.env_tables import size
    from faena.kernel import ids

    workspace = open_workspace()
    api, number = workspace.api.backups, ids.new_id("backup")
    view = api.start(number, BackupRequest(str(folder.absolute()), verify=verify))
    console, began = Console(stderr=True), time.monotonic()
    try:
        with console.status("Copying the database") as status:
            while view.state == "copying":
                view = api.look(number, _WAIT)
                if view.of_objects:
                    speed = view.bytes_copied / 1e6 / (time.monotonic() - began)
                    status.update(
                        f"{view.objects:,} of {view.of_objects:,} files, {size(view.bytes_copied)} copied, "
                        f"{speed:.0f} MB/s"
                    )
    except KeyboardInterrupt:
        click.echo(
            f"\nThe backup into {folder} goes on. Run `faena backup` again to see that it is whole.", err=True
        )
        sys.exit(130)
    if as_json:
        print_json(view)
    elif view.state == "done":
        click.echo(
            f"{workspace.name}: {view.of_objects:,} files, {size(view.size)}; {view.copied:,} of them were new."
        )
        for place in view.outside:
            click.echo(f"Not in the backup, since it lies outside the workspace: datastore {place}")
    for digest in view.missing:
        click.echo(f"Damaged in the workspace, and not in the backup: object {digest}", err=True)
    for name in view.unread:
        click.echo(f"Cannot be read, and not in the backup: {name}", err=True)
    if view.error:
        click.echo(view.error, err=True)
    if view.error or view.missing or view.unread:
        sys.exit(1)


@click.command()
@click.argument("backup", type=click.Path(path_type=Path, file_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--name", help="The workspace's name (default: as it was).")
@click.option("--allow-damaged", is_flag=True, help="Go on without files that are damaged in the backup.")
def restore(backup: Path, folder: Path, name: str | None, allow_damaged: bool) -> None:
    """Make a workspace in FOLDER (default: here) from BACKUP. Runs that had not ended are Failed there."""
    from rich.console import Console

    from faena.backups.restoring import restore as make
    from faena.client.workspace import Workspace

    with Console(stderr=True).status("Copying") as status:
        done = make(
            backup.absolute(),
            folder.absolute(),
            lambda number, of: status.update(f"{number:,} of {of:,} files"),
            name=name,
            allow_damaged=allow_damaged,
        )
    workspace = Workspace(done.workspace.path)
    workspace.write_config(folder)
    click.echo(f"Workspace {workspace.name} in {workspace.folder}; config.json written.")
    for digest in done.damaged:
        click.echo(f"Damaged in the backup, and left out: {digest}", err=True)
    for digest in done.record.missing:
        click.echo(f"Missing since before the backup: object {digest}", err=True)
    for name in done.record.unread:
        click.echo(f"Could not be read when the backup was made: {name}", err=True)


COMMANDS = (backup, restore)
