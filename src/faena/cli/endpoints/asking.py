"""`faena call`: ask an endpoint."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli import streams
from faena.cli.command import command
from faena.cli.common import tags_of, workspace

if TYPE_CHECKING:
    from faena.client.endpoints.webservice import LocalWebservice


@command()
@click.argument("name")
@click.option(
    "--data", required=True, metavar="TEXT|@FILE|@-", help="The body: text, a file's, or standard input's."
)
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header; may be repeated.")
def call(name: str, data: str, headers: tuple[str, ...]) -> None:
    """Ask the endpoint NAME, and print what it answers."""
    import json

    answer = service_named(name).run(
        body_of(data), {"Content-Type": "application/json", **tags_of(headers, "a header", "NAME=VALUE")}
    )
    if isinstance(answer, bytes):
        streams.write_bytes(iter([answer]))
    else:
        click.echo(json.dumps(answer, ensure_ascii=False))


def service_named(name: str) -> LocalWebservice:
    from faena.client.endpoints.webservice import LocalWebservice

    return LocalWebservice(workspace(), name)


def body_of(given: str) -> bytes:
    """What was given as text, as a file, or on standard input."""
    if not given.startswith("@"):
        return given.encode()
    if given == "@-":
        return sys.stdin.buffer.read()
    try:
        return Path(given[1:]).expanduser().read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{given[1:]} cannot be read: {error.strerror}.") from error


COMMANDS = (call,)
