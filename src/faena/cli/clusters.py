"""Commands about clusters."""

from __future__ import annotations

from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json


@command()
@json_option
def clusters(as_json: bool) -> None:
    """List clusters and their nodes."""
    found = opened().api.clusters()
    if as_json:
        print_json(found)
        return
    from faena.cli import tables

    tables.clusters(found)


COMMANDS = (clusters,)
