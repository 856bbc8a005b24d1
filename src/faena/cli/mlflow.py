"""`faena mlflow`: where MLflow's clients find the workspace."""

from __future__ import annotations

import shlex

import rich_click as click

from faena.cli.command import command
from faena.cli.common import opened
from faena.kernel.errors import UserErrorException


@command()
@click.option("--close", is_flag=True, help="Stop listening; browsers are signed out, too.")
def mlflow(close: bool) -> None:
    """Let MLflow's clients log into this workspace: prints what their environment needs, for `eval "$(faena mlflow)"`.

    The server then stays until --close; a shared server, which `faena login` knows, stays anyway. See docs/mlflow.md.
    """
    from faena.client.workspaces.mlflow_address import variables

    workspace = opened()
    if close and workspace.url:
        raise UserErrorException(
            f"{workspace.url} is a shared server, which listens until it is stopped there. "
            "`faena token revoke` ends what a token is good for."
        )
    if close:
        workspace.api.gateway.close()
        click.echo("MLflow's clients are answered no more; browsers are signed out.")
        return
    for name, value in variables(workspace).items():
        click.echo(f"export {name}={shlex.quote(value)}")


COMMANDS = (mlflow,)
