"""The command that says what differs between two runs."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json
from faena.cli.layout import print_as_is, terminal_width
from faena.cli.naming import id_of, run_argument


@command()
@run_argument("left")
@run_argument("right")
@click.option(
    "--only",
    multiple=True,
    metavar="SECTION",
    help="status, code, git, packages, arguments, variables, data, machine, phases or metrics; may be repeated.",
)
@json_option
def diff(left: str, right: str, only: tuple[str, ...], as_json: bool) -> None:
    """Say what differs between two runs: code, packages, arguments, data, machine, metrics, …"""
    from faena.client.comparison import compare

    api = opened().api
    found = compare(api, id_of(api, left), id_of(api, right), only)
    if as_json:
        print_json(found)
    else:
        print_as_is(found.shown(terminal_width(), whole=True))


COMMANDS = (diff,)
