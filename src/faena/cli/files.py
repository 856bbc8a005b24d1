"""Commands about the files of a run: its logs, its outputs, its source folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli import streams
from faena.cli.command import command
from faena.cli.common import follow_run, json_option, print_json, workspace
from faena.cli.layout import print_as_is
from faena.cli.naming import get_run, run_argument
from faena.cli.warned import warned
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.client.runs.run import Run


@command()
@run_argument()
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--name", help="One log by its name (default: the driver log, else the build log).")
@click.option(
    "--rank",
    type=click.IntRange(min=0),
    help="Of a run of several nodes, this one's log (default: each one's, under its name).",
)
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt (default: the latest one's).")
def logs(run_id: str, follow: bool, name: str | None, rank: int | None, attempt: int | None) -> None:
    """Print the log of RUN, of a run of several nodes each one's; or what the workers of the endpoint RUN wrote."""
    if name is None and rank is None and attempt is None and _is_endpoint_logged(run_id, follow=follow):
        return  # its whole name says more than the beginning of the ids of runs, which are often called alike
    run = _run_with_log(run_id)
    if follow and name is None and attempt is None:
        sys.exit(follow_run(run, rank))
    chosen = [name] if name is not None else _main_logs(run.get_file_names(), rank)
    if not chosen:
        over = run.experiment.workspace.api.run(run.id).ended_at is not None
        click.echo("No log." if over else "No log yet.", err=True)
        return
    for place, each in enumerate(chosen):
        if len(chosen) > 1:
            click.echo(f"{chr(10) if place else ''}==> {each} <==")
        with run.experiment.workspace.api.open_file(run.id, each, rank if name else None, attempt) as parts:
            streams.write_bytes(parts)


def _run_with_log(given: str) -> Run:
    """Raises as `get_run`; where an endpoint could be called so, NotFound says that there is none either."""
    from faena.endpoints.model import is_name

    try:
        return get_run(given)
    except NotFound:
        if not is_name(given):
            raise
        raise NotFound(
            f"There is no run and no endpoint {given!r} in this workspace. `faena runs` and `faena endpoints` list "
            "them."
        ) from None


def _is_endpoint_logged(name: str, *, follow: bool) -> bool:
    """Print what an endpoint's workers wrote, where there is one of that name."""
    from faena.endpoints.model import is_name

    if not is_name(name):
        return False
    from faena.cli.endpoints import showing
    from faena.client.endpoints.webservice import Webservice
    from faena.kernel.errors import WebserviceException

    try:
        service = Webservice(workspace(), name)
    except WebserviceException:
        return False
    showing.logs(service, showing.MOST_LINES, follow=follow)
    return True


def _main_logs(names: list[str], rank: int | None) -> list[str]:
    """The logs that say most: of each rank, or of the one wanted. Raises BadParameter for one that has none."""
    from faena.kernel.file_names import log_precedence, log_rank

    stage = max((log_precedence(name)[0] for name in names), default=-1)
    if stage < 0:
        return []
    found = sorted((-log_precedence(name)[1], name) for name in names if log_precedence(name)[0] == stage)
    ranks = {log_rank(name) for _, name in found} - {None}
    if rank is None or not (ranks or rank):
        return [name for _, name in found]
    if ranks and rank not in ranks:
        there = ", ".join(str(each) for each in sorted(ranks, key=lambda each: each or 0))
        raise click.BadParameter(f"rank {rank} has no log. There is: {there}.", param_hint="--rank")
    if not ranks:
        raise click.BadParameter(
            f"rank {rank} has no log: the run has none by rank (yet).", param_hint="--rank"
        )
    return [name for number, name in found if number == rank]


@command()
@run_argument()
@click.argument("path", required=False)
@click.option("--output", type=click.Path(path_type=Path), help="File or folder to write to (default: here).")
@json_option
def download(run_id: str, path: str | None, output: Path | None, as_json: bool) -> None:
    """Copy the file PATH of RUN, all files below the folder PATH, or all its files (into a folder called as RUN)."""
    run = get_run(run_id)
    with warned():
        listed = run.experiment.workspace.api.files(run.id)
    names = [file.name for file in listed]
    if path is None and output is None and Path(run.id, "manifest.json").exists():
        raise UserErrorException(
            f"{run.id} here is an exported run, and other files among its own would damage it. Name another folder: "
            "--output."
        )
    prefix = "" if path is None else path.rstrip("/") + "/"
    below = [name for name in names if name.startswith(prefix)]
    if path is None or (path not in names and below):
        run.download_files(prefix=prefix, output_directory=output or (run.id if path is None else None))
    else:
        run.download_file(path, output)
        below = [path]
    if live := len({file.name for file in listed if file.live}.intersection(below)):
        click.echo(f"{run.id} goes on: {live} of {len(below)} as of now.", err=True)
    if as_json:
        print_json(below)
    else:
        click.echo(below[0] if below == [path] else counted(len(below), "file"))


@command()
@run_argument()
@click.argument("prefix", required=False, default="")
@json_option
def files(run_id: str, prefix: str, as_json: bool) -> None:
    """List the files of RUN, or those whose names begin with PREFIX; of a run that goes on as they are now."""
    run = get_run(run_id)
    with warned():
        listed = run.experiment.workspace.api.files(run.id)
    found = [each for each in listed if each.name.startswith(prefix)]
    if as_json:
        print_json(found)
        return
    if not found:
        beginning = f" that begins with {prefix!r}" if prefix else ""
        click.echo(f"{run.id} has no file{beginning}.", err=True)
    width = max((len(f"{each.size:,}") for each in found), default=0)
    for each in found:
        print_as_is(f"{each.size:>{width},}  {each.name}{'  (as of now)' if each.live else ''}")


@command()
@run_argument()
@click.argument("path", type=click.Path(path_type=Path), required=False)
def source(run_id: str, path: Path | None) -> None:
    """Write the source folder that RUN was made from as a zip archive: PATH, or one called as RUN in the folder PATH.

    PATH is here by default; where its name does not end in .zip it is a folder.
    """
    run = get_run(run_id)
    archive = path if path is not None and path.suffix == ".zip" else Path(path or ".", f"{run.id}.zip")
    click.echo(run.restore_snapshot(path=archive))


COMMANDS = (logs, download, files, source)
