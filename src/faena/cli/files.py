"""Commands about the files of a run: its logs, its outputs, its source folder."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from faena.cli import streams
from faena.cli.command import command
from faena.cli.common import follow_run, json_option, print_json
from faena.cli.naming import get_run, run_argument


@command()
@run_argument()
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--name", help="One log by its name (default: the driver log, else the build log).")
def logs(run_id: str, follow: bool, name: str | None) -> None:
    """Print the log of RUN."""
    from faena.kernel.file_names import log_precedence

    run = get_run(run_id)
    if follow and name is None:
        sys.exit(follow_run(run))
    names = [file for file in run.get_file_names() if file.startswith(("azureml-logs/", "logs/"))]
    drivers = [file for file in names if file.startswith("azureml-logs/")]
    chosen = name or max(drivers, key=log_precedence, default=None)
    if chosen is None:
        click.echo("No log yet.", err=True)
        return
    with run.experiment.workspace.api.open_file(run.id, chosen) as parts:
        streams.write_bytes(parts)


@command()
@run_argument()
@click.argument("path", required=False)
@click.option("--output", type=click.Path(path_type=Path), help="File or folder to write to (default: here).")
@json_option
def download(run_id: str, path: str | None, output: Path | None, as_json: bool) -> None:
    """Copy the file PATH of RUN, all files below the folder PATH, or all its files (into a folder called as RUN)."""
    run = get_run(run_id)
    names = run.get_file_names()
    prefix = "" if path is None else path.rstrip("/") + "/"
    below = [name for name in names if name.startswith(prefix)]
    if path is None or (path not in names and below):
        run.download_files(prefix=prefix, output_directory=output or (run.id if path is None else None))
    else:
        run.download_file(path, output)
        below = [path]
    if as_json:
        print_json(below)
    else:
        click.echo(below[0] if below == [path] else f"{len(below)} files")


@command()
@run_argument()
@click.argument("path", type=click.Path(path_type=Path), required=False)
def source(run_id: str, path: Path | None) -> None:
    """Write the source folder that RUN was made from to PATH, a zip archive or a folder for it (default: here)."""
    click.echo(get_run(run_id).restore_snapshot(path=path))


COMMANDS = (logs, download, source)
