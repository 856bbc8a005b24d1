"""What the groups of commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from faena.client.workspace import Workspace

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def open_workspace() -> Workspace:
    """The workspace that the current folder's config.json names."""
    from faena.client.workspace import Workspace

    return Workspace.from_config()


def print_json(value: Any) -> None:
    import json

    import msgspec

    click.echo(json.dumps(msgspec.to_builtins(value), indent=2))
