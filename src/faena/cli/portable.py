"""Commands about a run as a folder."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, print_json, workspace
from faena.cli.naming import id_of, run_argument
from faena.kernel.plural import counted


@command()
@run_argument()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--children", is_flag=True, help="Also the runs below it, in children/.")
@json_option
def export(run_id: str, folder: Path | None, children: bool, as_json: bool) -> None:
    """Write RUN into FOLDER (default: one here called as the run): record, code, files, logs, metrics."""
    from faena.client.runs import portable

    current = workspace()
    found = portable.export(current, id_of(current.api, run_id), folder, children=children)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found.folder}: {counted(found.files, 'file')}, {counted(found.size, 'byte')}.")
    if found.children:
        click.echo(f"With {counted(len(found.children), 'run')} below it.")
    if found.left_out:
        click.echo(f"{counted(found.left_out, 'run')} below it left out; --children takes them along.")


@command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def import_(folder: Path, as_json: bool) -> None:
    """Take in the run that `faena export` wrote into FOLDER. Every file is verified; nothing changes twice."""
    from faena.client.runs import portable

    found = portable.take(workspace(), folder)
    if as_json:
        print_json(found)
        return
    if found.imported:
        click.echo(f"{found.run}: imported into {found.experiment}, number {found.number}.")
    else:
        click.echo(f"{found.run} is here already, the same; nothing was changed.")
    if len(found.imported) > 1:
        click.echo(f"With {counted(len(found.imported) - 1, 'run')} below it.")
    if found.left_out:
        click.echo(f"{counted(found.left_out, 'run')} below it had not been exported with it.")
    if found.models:
        click.echo(f"Models are not imported: {', '.join(found.models)}.")


COMMANDS = (export, import_)
