"""The command that runs a run again."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import command
from faena.cli.common import answer, follow_option, json_option, told_on_stderr
from faena.cli.naming import get_run, run_argument


@command()
@run_argument()
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Another value of an argument, a new one, or a flag (NAME alone); may be repeated.",
)
@click.option("--cluster", help="Another cluster (default: the one that it had).")
@click.option("--exact", is_flag=True, help="Refuse where anything is not what it was.")
@follow_option
@json_option
def rerun(
    run_id: str,
    settings: tuple[str, ...],
    cluster: str | None,
    exact: bool,
    follow: bool | None,
    as_json: bool,
) -> None:
    """Run RUN again: the same code, packages, data, variables and arguments, but for what is --set."""
    given = {name: value if equals else None for name, equals, value in (s.partition("=") for s in settings)}
    with told_on_stderr():
        run = get_run(run_id).rerun(given, cluster=cluster, exact=exact)
    answer(run, follow=follow, as_json=as_json)


COMMANDS = (rerun,)
