"""The command that teaches a shell to complete `faena`."""

from __future__ import annotations

import rich_click as click
from click import globals  # noqa: A004  click calls it so

from faena.cli.command import command

_SHELLS = ("bash", "zsh", "fish")


@command(workspace=False)
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print what teaches SHELL to complete commands, options and runs.

    In ~/.bashrc: eval "$(faena completion bash)"; in ~/.zshrc: eval "$(faena completion zsh)"; for fish:
    faena completion fish > ~/.config/fish/completions/faena.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(
        found(globals.get_current_context().find_root().command, {}, "faena", "_FAENA_COMPLETE").source()
    )


COMMANDS = (completion,)
