"""`faena repair`."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import command
from faena.cli.common import opened


@command()
@click.option(
    "--accept-database",
    is_flag=True,
    required=True,
    help="Go on with a database that lacks changes which were acknowledged.",
)
def repair(accept_database: bool) -> None:
    """Mend what is damaged in the workspace."""
    from faena.backups.accepting import accept_database as accept
    from faena.kernel.commit_record import shown

    missing = accept(opened().files.path)
    click.echo(
        f"The database is taken as it is, without {shown(missing)}."
        if missing
        else "The database is as new as it was."
    )


COMMANDS = (repair,)
