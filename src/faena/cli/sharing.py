"""Commands about who sees an experiment of a shared server."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import group
from faena.cli.common import json_option, opened, print_json
from faena.cli.layout import print_table
from faena.kernel.errors import UserErrorException
from faena.people.schemas import Sharing, SharingChange


@group()
def experiment() -> None:
    """Say who sees an experiment at a shared server."""


@experiment.command()
@click.argument("name")
@json_option
def sharing(name: str, as_json: bool) -> None:
    """Show who sees the experiment NAME, and who may change it."""
    _show(opened().api.people.sharing(name), as_json=as_json)


@experiment.command()
@click.argument("name")
@click.option(
    "--private/--public",
    default=None,
    help="Keep it to its owner and those with whom it is shared, or show it to all.",
)
@click.option(
    "--with", "added", multiple=True, metavar="PERSON=ROLE", help="A reader or contributor; may be repeated."
)
@click.option(
    "--without", "removed", multiple=True, metavar="PERSON", help="No longer with PERSON; may be repeated."
)
@click.option("--owner", help="Whose it is from now on.")
@json_option
def share(
    name: str,
    private: bool | None,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    owner: str | None,
    as_json: bool,
) -> None:
    """Keep the experiment NAME to yourself, or share it. For its owner and owners of the workspace."""
    people = {}
    for each in added:
        person, equals, role = each.rpartition("=")
        if not equals:
            raise UserErrorException(f"--with {each} names no role. Use PERSON=reader or PERSON=contributor.")
        people[person] = role
    change = SharingChange(private, people, list(removed), owner)
    _show(opened().api.people.share(name, change), as_json=as_json)


def _show(found: Sharing, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    whose = found.owner or "nobody in particular"
    if not found.private:
        click.echo(f"{found.experiment} is there for all; its owner is {whose}.")
        return
    click.echo(f"{found.experiment} is private; its owner is {whose}. Owners of the workspace see it.")
    if found.people:
        print_table(["Shared with", "Role"], [[name, role] for name, role in found.people.items()])


COMMANDS = (experiment,)
