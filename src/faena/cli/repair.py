"""`faena repair`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.backups.schemas import DamagedObject


@command()
@click.option("--dry-run", is_flag=True, help="Only look, and say what would be done.")
@click.option(
    "--deep", is_flag=True, help="Read every file again, not only those that may have been changed."
)
@click.option(
    "--from",
    "folders",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="A backup or any folder to look in, too; may be repeated.",
)
@click.option(
    "--accept-database",
    is_flag=True,
    help="Instead of all this: go on with a database that lacks its latest changes.",
)
@json_option
def repair(
    dry_run: bool, deep: bool, folders: tuple[Path, ...], accept_database: bool, as_json: bool
) -> None:
    """Bring back files, sources and metrics of runs and models whose bytes are damaged or gone.

    They are looked for in the backups that are known, the attempts, the datastores, the sample data, source folders
    and the places of registered models. Exit code 1: something is lost.
    """
    if accept_database:
        _accept()
        return
    from faena.backups.schemas import RepairRequest

    asked = RepairRequest([str(folder.absolute()) for folder in folders], deep=deep, dry_run=dry_run)
    found = opened().api.backups.repair(asked)
    if as_json:
        print_json(found)
    else:
        for each in found.damaged:
            _show(each, dry_run=dry_run)
        if not found.damaged:
            how = "read again" if deep else "looked at"
            click.echo(f"{counted(found.looked_at, 'object')} {how}: none is damaged or missing.")
    if any(not each.found_in for each in found.damaged):
        sys.exit(1)


def _show(each: DamagedObject, *, dry_run: bool) -> None:
    click.echo(f"Object {each.digest} is {each.state}:")
    for use in each.uses:
        click.echo(f"  {use}")
    if each.found_in:
        click.echo(f"  {'would be' if dry_run else 'was'} brought back from {each.found_in}")
    else:
        click.echo("  lost: no other copy was found; look in another place by --from FOLDER")


def _accept() -> None:
    from faena.backups.accepted_loss import accept_database
    from faena.kernel.commit_record import shown

    missing = accept_database(opened().files.path)
    if missing:
        click.echo(f"The database is taken as it is, without {shown(missing)}.")
    else:
        click.echo("The database is as new as it was.")


COMMANDS = (repair,)
