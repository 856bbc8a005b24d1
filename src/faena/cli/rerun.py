"""The commands that run a run again."""

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
@click.option(
    "--from-checkpoint", is_flag=True, help="Have the script find the checkpoint that RUN had saved."
)
@follow_option
@json_option
def rerun(
    run_id: str,
    settings: tuple[str, ...],
    cluster: str | None,
    exact: bool,
    from_checkpoint: bool,
    follow: bool | None,
    as_json: bool,
) -> None:
    """Run RUN again: the same code, packages, data, variables and arguments, but for what is --set."""
    given = {name: value if equals else None for name, equals, value in (s.partition("=") for s in settings)}
    with told_on_stderr():
        for name in (name for name, value in given.items() if value is None):
            click.echo(f"{name} has no value: it is given as a flag. With a value: --set {name}=VALUE.")
        run = get_run(run_id).rerun(given, cluster=cluster, exact=exact, from_checkpoint=from_checkpoint)
    answer(run, follow=follow, as_json=as_json)


@command()
@run_argument()
@click.option("--cluster", help="Another cluster (default: the one that it had).")
@follow_option
@json_option
def resume(run_id: str, cluster: str | None, follow: bool | None, as_json: bool) -> None:
    """Go on where RUN ended that failed, was canceled or was lost: a new run, from the checkpoint that it had saved."""
    with told_on_stderr():
        run = get_run(run_id).resume(cluster=cluster)
    answer(run, follow=follow, as_json=as_json)


COMMANDS = (rerun, resume)
