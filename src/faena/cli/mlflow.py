"""`faena mlflow`: where MLflow's clients find the workspace."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import command
from faena.cli.common import opened


@command()
@click.option("--close", is_flag=True, help="Stop listening; browsers are signed out, too.")
def mlflow(close: bool) -> None:
    """Let MLflow's clients log into this workspace: prints what their environment needs, for `eval "$(faena mlflow)"`.

    The server then stays until --close. See docs/mlflow.md.
    """
    gateway = opened().api.gateway
    if close:
        gateway.close()
        click.echo("MLflow's clients are answered no more; browsers are signed out.")
        return
    found = gateway.open_to_programs()
    click.echo(f"export MLFLOW_TRACKING_URI={found.url}")
    click.echo(f"export MLFLOW_TRACKING_TOKEN={found.token}")
    click.echo(f"export FAENA_MLFLOW_URI={found.url}")  # by which a run knows that these are not for it


COMMANDS = (mlflow,)
