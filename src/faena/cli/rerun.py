"""The command that runs a run again."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import command
from faena.cli.common import follow as follow_run
from faena.cli.common import json_option, print_json, workspace


@command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another value of an argument, a new one, or a flag (NAME alone); may be repeated.",
)
@click.option("--cluster", help="Another cluster (default: the one that it had).")
@click.option("--exact", is_flag=True, help="Refuse where anything is not what it was.")
@click.option("--follow/--no-follow", default=True, help="Show the logs until the run has ended.")
@json_option
def rerun(
    run_id: str, settings: tuple[str, ...], cluster: str | None, exact: bool, follow: bool, as_json: bool
) -> None:
    """Run RUN again: the same code, packages, data, variables and arguments, but for what is --set."""
    given = {name: value if equals else None for name, equals, value in (s.partition("=") for s in settings)}
    run = workspace().get_run(run_id).rerun(given, cluster=cluster, exact=exact)
    if as_json:
        print_json(run.refresh())
    elif follow:
        follow_run(run)
    else:
        click.echo(run.id)


COMMANDS = (rerun,)
