"""Commands about notices on the ends of runs and sweeps."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import group
from faena.cli.common import json_option, opened, print_json
from faena.cli.layout import print_table, show_time

_ENDS = ["Completed", "Failed", "Canceled"]


@group()
def notice() -> None:
    """Be told when runs and sweeps end: by a webhook, a mail, or a command."""


@notice.command()
@click.option("--webhook", default="", metavar="URL", help="Is sent a JSON object by POST, signed.")
@click.option("--mail", default="", metavar="ADDRESS", help="By the server's mail server: docs/notices.md.")
@click.option("--command", default="", metavar="COMMAND", help="Run by /bin/sh on the workspace's own host.")
@click.option("--experiment", help="Only of its runs.")
@click.option(
    "--on", "ends", multiple=True, type=click.Choice(_ENDS), help="Only these ends; may be repeated."
)
@click.option("--below", is_flag=True, help="Also of runs below others, such as trials of a sweep.")
@json_option
def add(
    webhook: str,
    mail: str,
    command: str,
    experiment: str | None,
    ends: tuple[str, ...],
    below: bool,
    as_json: bool,
) -> None:
    """Add a rule, and print its id."""
    made = opened().api.notices.add(
        webhook=webhook, mail=mail, command=command, experiment=experiment, on=ends, below=below
    )
    if as_json:
        print_json(made)
        return
    click.echo(made.id)
    if made.key:
        click.echo(f"Requests are signed with the key {made.key}. It is not shown again.", err=True)
    if made.warning:
        click.echo(f"Warning: {made.warning}", err=True)
    click.echo(f"Try it: faena notice try {made.id}", err=True)


@notice.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List rules, and what was told lately."""
    api = opened().api.notices
    rules, told = api.rules(), api.latest()
    if as_json:
        print_json({"rules": rules, "notices": told})
        return
    rows = [
        [each.id, each.way, each.to, each.experiment or "all", ", ".join(each.ends), each.owner or "-"]
        for each in rules
    ]
    print_table(["Rule", "By", "To", "Experiment", "On", "Of"], rows)
    if told:
        click.echo()
        states = [
            [
                show_time(each.created_at),
                each.rule,
                each.run_id,
                each.status,
                _came_of(each.sent_at, each.due_at, each.failure),
            ]
            for each in told
        ]
        print_table(["Ended", "Rule", "Run", "State", "Notice"], states)


@notice.command()
@click.argument("rule")
def remove(rule: str) -> None:
    """Be told by RULE no more."""
    opened().api.notices.remove(rule)
    click.echo(f"{rule} is removed.")


@notice.command("try")
@click.argument("rule")
def try_(rule: str) -> None:
    """Bring a notice by RULE now, of the latest run that ended."""
    told = opened().api.notices.try_(rule)
    if told.failure is not None:
        raise click.ClickException(f"It was not brought: {told.failure}.")
    click.echo("It was brought.")


def _came_of(sent: int | None, due: int | None, failure: str | None) -> str:
    if sent is not None:
        return f"brought {show_time(sent)}"
    if due is None:
        return f"given up: {failure}"
    return "waits" if failure is None else f"again {show_time(due)}: {failure}"


COMMANDS = (notice,)
