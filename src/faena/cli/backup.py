"""`faena backup` and `faena restore`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.command import command
from faena.cli.common import answered, json_option, print_json
from faena.cli.common import workspace as open_workspace
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.backups.schemas import BackupRequest, BackupView
    from faena.client.workspace import Workspace

_WAIT = 1.0
_database = click.option(
    "--database",
    metavar="URL",
    help="Where its database goes, an empty one of PostgreSQL (default: FAENA_SERVER_DATABASE, else a file in FOLDER).",
)


@command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--verify", is_flag=True, help="Also read again what an earlier backup there holds.")
@click.option(
    "--keep", type=click.IntRange(1, 1000), default=3, show_default=True, help="How many backups stay there."
)
@click.option("--yes", is_flag=True, help="Go on where most of what the last backup holds is gone.")
@json_option
def backup(folder: Path, verify: bool, keep: int, yes: bool, as_json: bool) -> None:
    """Copy the workspace into FOLDER while it works; again into the same FOLDER copies what is new.

    Ctrl-C leaves the backup going on.
    """
    import msgspec

    from faena.backups.schemas import BackupRequest

    workspace = open_workspace()
    asked = BackupRequest(str(folder.absolute()), verify=verify, keep=keep, accept_loss=yes)
    view = _followed(workspace, asked)
    if view.loss and view.error and _confirms(view.loss):
        view = _followed(workspace, msgspec.structs.replace(asked, accept_loss=True))
    _tell(workspace, view, as_json=as_json)


@command("export-workspace")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@json_option
def export_workspace(folder: Path, as_json: bool) -> None:
    """Write the whole workspace into FOLDER, every byte verified: a backup of which one is kept.

    `faena import-workspace` makes a workspace of it, with its database in a file or in PostgreSQL.
    """
    from faena.backups.schemas import BackupRequest

    workspace = open_workspace()
    asked = BackupRequest(str(folder.absolute()), verify=True, keep=1)
    _tell(workspace, _followed(workspace, asked), as_json=as_json)


def _tell(workspace: Workspace, view: BackupView, *, as_json: bool) -> None:
    """What a backup came to; ends the process with 1 where it is not whole."""
    from faena.cli.env_tables import size

    if as_json:
        print_json(view)
    elif view.state == "done":
        click.echo(
            f"{workspace.name}: {counted(view.of_objects, 'file')}, {size(view.size)}; {view.copied:,} of them new."
        )
        for place in view.outside:
            click.echo(f"Not in the backup, since it lies outside the workspace: datastore {place}")
        for place in view.elsewhere:
            click.echo(f"Not in the backup, since its files lie elsewhere: experiment {place}")
    for digest in view.missing:
        click.echo(f"Damaged in the workspace, and not in the backup: object {digest}", err=True)
    for name in view.unread:
        click.echo(f"Cannot be read, and not in the backup: {name}", err=True)
    if view.error:
        click.echo(view.error, err=True)
    if view.error or view.missing or view.unread:
        sys.exit(1)


def _confirms(loss: str) -> bool:
    return answered(f"{loss} Back up all the same?") is True


def _followed(workspace: Workspace, asked: BackupRequest) -> BackupView:
    """Make a backup, and show how far it is until it ends."""
    from rich.console import Console

    from faena.cli.env_tables import size
    from faena.kernel import ids

    api, number = workspace.api.backups, ids.new_id("backup")
    view = api.start(number, asked)
    console, began = Console(stderr=True), time.monotonic()
    try:
        with console.status("Copying the database") as status:
            while view.state == "copying":
                view = api.look(number, _WAIT)
                if view.of_objects:
                    speed = view.bytes_copied / 1e6 / (time.monotonic() - began)
                    status.update(
                        f"{view.objects:,} of {counted(view.of_objects, 'file')}, {size(view.bytes_copied)} copied, "
                        f"{speed:.0f} MB/s"
                    )
    except KeyboardInterrupt:
        click.echo(
            f"\nThe backup into {asked.folder} goes on. Run `faena backup` again to see that it is whole.",
            err=True,
        )
        sys.exit(130)
    return view


@command(workspace=False)
@click.argument("backup", type=click.Path(path_type=Path, file_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--name", help="The workspace's name (default: as it was).")
@click.option("--allow-damaged", is_flag=True, help="Go on without files that are damaged in the backup.")
@click.option("--at", metavar="TIME", help="The newest backup until then, UTC (default: the newest of all).")
@click.option(
    "--replace", is_flag=True, help="Put the workspace that is in FOLDER aside, such as a damaged one."
)
@click.option("--list", "listing", is_flag=True, help="Only list the backups that BACKUP holds.")
@_database
def restore(
    backup: Path,
    folder: Path,
    name: str | None,
    allow_damaged: bool,
    at: str | None,
    replace: bool,
    listing: bool,
    database: str | None,
) -> None:
    """Make a workspace in FOLDER (default: here) from BACKUP. Runs that had not ended are Failed there."""
    if listing:
        _list(backup)
        return
    _make(backup, folder, database, name=name, allow_damaged=allow_damaged, at=at, replace=replace)


@command("import-workspace", workspace=False)
@click.argument("exported", type=click.Path(path_type=Path, file_okay=False))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--name", help="The workspace's name (default: as it was).")
@_database
def import_workspace(exported: Path, folder: Path, name: str | None, database: str | None) -> None:
    """Make a workspace in FOLDER (default: here) of what `faena export-workspace` or `faena backup` wrote.

    Runs that had not ended are Failed there.
    """
    _make(exported, folder, database, name=name)


def _make(
    backup: Path,
    folder: Path,
    database: str | None,
    *,
    name: str | None = None,
    allow_damaged: bool = False,
    at: str | None = None,
    replace: bool = False,
) -> None:
    from rich.console import Console

    from faena.backups.restoring import restore as make
    from faena.cli import database_moves
    from faena.client.workspace import Workspace

    url = database_moves.checked(database)
    with Console(stderr=True).status("Copying") as status:
        done = make(
            backup.absolute(),
            folder.absolute(),
            lambda number, of: status.update(f"{number:,} of {counted(of, 'file')}"),
            name=name,
            allow_damaged=allow_damaged,
            at=at,
            replace=replace,
        )
    workspace = Workspace(done.workspace.path)
    workspace.write_config(folder)
    click.echo(f"Workspace {workspace.name} in {workspace.folder}; config.json written.")
    if done.before is not None:
        click.echo(f"What was there before lies in {done.before}; remove it when you do not need it.")
    for digest in done.damaged:
        click.echo(f"Damaged in the backup, and left out: {digest}", err=True)
    for digest in done.record.missing:
        click.echo(f"Missing since before the backup: object {digest}", err=True)
    for each in done.record.unread:
        click.echo(f"Could not be read when the backup was made: {each}", err=True)
    if url:
        rows = database_moves.move(done.workspace.path, url)
        click.echo(f"{counted(rows, 'row')} brought to PostgreSQL, and compared there.")


def _list(backup: Path) -> None:
    from faena.backups.history import shown_time
    from faena.backups.retained import records
    from faena.cli.env_tables import size
    from faena.kernel.errors import WorkspaceException

    found = records(backup)
    if not found:
        raise WorkspaceException(f"{backup} holds no whole backup.")
    for record in found:
        runs = "" if record.runs is None else f"{counted(record.runs, 'run')}, "
        click.echo(
            f"{shown_time(record.at)}  {record.workspace}: {runs}{counted(record.objects, 'file')}, {size(record.size)}"
        )


COMMANDS = (backup, restore, export_workspace, import_workspace)
