"""Commands about secrets. A value comes from a prompt or from standard input, never from the arguments."""

from __future__ import annotations

import sys

import rich_click as click

from faena.cli.command import group
from faena.cli.common import json_option, opened, print_json
from faena.kernel.errors import NotFound, UserErrorException


@group()
def secret() -> None:
    """Passwords and keys for scripts, which ask for them by Run.get_secret. See docs/secrets.md."""


@secret.command("set")
@click.argument("name")
def set_(name: str) -> None:
    """Set the secret NAME to what is typed at a prompt, or to the whole of standard input where that is no terminal."""
    if sys.stdin.isatty():
        value = click.prompt(f"Value of {name}", hide_input=True)
    else:
        value = sys.stdin.read().removesuffix("\n")
    if not value:
        raise UserErrorException(
            f"No value came for {name}: nothing is set. Type it, or give it by standard input."
        )
    opened().api.secrets.put({name: value})
    click.echo(f"The secret {name} is set.")


@secret.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the names of secrets, without their values."""
    names = opened().api.secrets.names()
    if as_json:
        print_json(names)
        return
    for name in names:
        click.echo(name)


@secret.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME ...")
def delete(names: tuple[str, ...]) -> None:
    """Delete secrets."""
    api = opened().api.secrets
    there = set(api.names())
    if missing := [name for name in names if name not in there]:
        raise NotFound(
            f"There is no secret {', '.join(missing)}: nothing is deleted. `faena secret list` names those "
            "that there are."
        )
    api.delete(list(names))
    click.echo(f"Deleted: {', '.join(names)}.")


COMMANDS = (secret,)
