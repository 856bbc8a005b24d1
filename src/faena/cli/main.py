"""The `faena` command. Handles are imported inside the commands, so that help and errors come at once."""

from __future__ import annotations

import sys
from typing import Any

import rich_click as click

from faena.cli import (
    backup,
    clusters,
    compare,
    doctor,
    drill,
    env,
    files,
    init,
    metrics,
    models,
    notes,
    portable,
    repair,
    rerun,
    runs,
    server,
    submit,
    tidy,
    ui,
)
from faena.kernel.errors import FaenaError


class _Commands(click.RichGroup):
    """Prints the errors that we raise on purpose in one line, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FaenaError as error:
            click.echo(f"{error.code}: {error.message}", err=True)
            sys.exit(1)
        except BrokenPipeError:  # `faena runs | head`
            sys.stderr.close()
            sys.exit(141)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="faena", prog_name="faena")
@click.command_panel("Work", commands=["init", "submit", "rerun", "cancel", "clusters", "env"])
@click.command_panel("Look", commands=["runs", "show", "logs", "metrics", "plot", "diff", "ui"])
@click.command_panel("Files and models", commands=["download", "source", "register", "models", "show-model"])
@click.command_panel("Names and notes", commands=["rename", "name", "describe", "tag", "archive"])
@click.command_panel(
    "Tidy", commands=["delete", "delete-model", "deletions", "undelete", "keep", "tidy", "du"]
)
@click.command_panel(
    "Keep safe", commands=["backup", "restore", "repair", "export", "import", "doctor", "drill", "server"]
)
def main() -> None:
    """Train, track and register the models of any training script, on machines that you own."""


for _room in (
    init,
    submit,
    rerun,
    runs,
    clusters,
    env,
    files,
    metrics,
    compare,
    ui,
    models,
    notes,
    tidy,
    backup,
    repair,
    portable,
    doctor,
    drill,
    server,
):
    for _command in _room.COMMANDS:
        main.add_command(_command)
