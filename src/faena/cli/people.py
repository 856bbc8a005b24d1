"""Commands about the people of a shared server, their tokens, and what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.command import command, group
from faena.cli.common import json_option, opened, print_json
from faena.cli.layout import print_table, show_time

if TYPE_CHECKING:
    from faena.client.workspaces.people import People

_ROLES = ["reader", "contributor", "owner"]


@command()
@json_option
def people(as_json: bool) -> None:
    """List who may do what at a shared server. See docs/server.md."""
    found = _people().list()
    if as_json:
        print_json(found)
        return
    rows = [
        [
            each.name,
            each.role,
            show_time(each.created_at),
            show_time(each.used_at) if each.used_at else "never",
        ]
        for each in found
    ]
    print_table(["Person", "Role", "Since", "Last seen"], rows)


@group()
def person() -> None:
    """Let people in at a shared server, and out."""


@person.command()
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), default="contributor", show_default=True)
def add(name: str, role: str) -> None:
    """Let NAME in, or give NAME another role."""
    _people().add(name, role)
    click.echo(f"{name} is a {role} now." if role != "owner" else f"{name} is an owner now.")


@person.command()
@click.argument("name")
def remove(name: str) -> None:
    """Let NAME in no more. Their runs stay."""
    _people().remove(name)
    click.echo(f"{name} is let in no more.")


@group()
def token() -> None:
    """Tokens by which people and programs log in at a shared server."""


_of = click.option("--of", "name", help="Whose (default: yours). For owners.")


@token.command()
@_of
@click.option("--label", default="", help="What it is for.")
@click.option("--days", type=float, default=90.0, show_default=True, help="For which it is good.")
@click.option("--forever", is_flag=True, help="It does not end by itself.")
@click.option("--role", type=click.Choice(_ROLES), help="Where it may do less than its person.")
@json_option
def new(name: str | None, label: str, days: float, forever: bool, role: str | None, as_json: bool) -> None:
    """Make a token and print it, this once."""
    made = _people().new_token(name, label=label, days=None if forever else days, role=role)
    if as_json:
        print_json(made)
        return
    click.echo(made.token)
    until = f"until {show_time(made.expires_at)}" if made.expires_at else "until it is revoked"
    click.echo(f"Token {made.id} of {made.person}, good {until}. It is not shown again.", err=True)


@token.command("list")
@_of
@json_option
def list_(name: str | None, as_json: bool) -> None:
    """List tokens, without themselves."""
    found = _people().tokens(name)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            each.id,
            each.label,
            f"all that {each.person} may" if each.role == "owner" else f"what a {each.role} may",
            show_time(each.created_at),
            show_time(each.used_at) if each.used_at else "never",
            _end(each.expires_at, each.revoked_at),
        ]
        for each in found
    ]
    print_table(["Token", "For", "May", "Made", "Last shown", "Ends"], rows)


@token.command()
@click.argument("token_id", metavar="TOKEN")
@_of
def revoke(token_id: str, name: str | None) -> None:
    """End the token with this id, at once."""
    _people().revoke_token(token_id, name)
    click.echo(f"The token {token_id} is good for nothing any more.")


@command()
@click.option("--person", help="Of this person alone.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--before", type=int, help="The number of the last entry of the page before.")
@json_option
def audit(person: str | None, limit: int, before: int | None, as_json: bool) -> None:
    """List who changed what at a shared server, the latest first."""
    found = _people().audit_log(person, before=before, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        [
            str(each.number),
            show_time(each.at),
            each.person,
            each.verb,
            each.path,
            str(each.status),
            each.address,
        ]
        for each in found
    ]
    print_table(["No.", "When", "Person", "Verb", "What", "Answer", "From"], rows)


def _people() -> People:
    from faena.client.workspaces.people import People

    return People(opened())


def _end(expires: int | None, revoked: int | None) -> str:
    if revoked:
        return f"revoked {show_time(revoked)}"
    return show_time(expires) if expires else "when revoked"


COMMANDS = (people, person, token, audit)
