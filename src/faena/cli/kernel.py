"""`faena kernel`: kernels for any Jupyter, on the Pythons and packages of another time."""

from __future__ import annotations

from typing import Any

import rich_click as click

from faena.cli.command import group
from faena.cli.common import told_on_stderr
from faena.cli.common import workspace as open_workspace
from faena.cli.kernel_options import environment_of, kernel_options


@group()
def kernel() -> None:
    """Kernels for any Jupyter, on the Pythons and packages of another time."""


@kernel.command()
@kernel_options
@click.option("--name", help="The kernel's name for Jupyter (default: faena-DATE).")
def install(options: dict[str, Any], name: str | None) -> None:
    """Make a kernel with these packages, ipykernel among them, known to this user's Jupyter. See docs/as-of.md."""
    from faena.notebook.kernels import building, specs

    given = None if name is None else specs.check_name(name)
    current = open_workspace()
    with told_on_stderr():
        made = building.build(current, environment_of(current, options), click.echo)
    folder = specs.users_folder() / (given or made.name)
    specs.write(folder, made)
    click.echo(f"{made.title} is the kernel {folder.name!r}, in {folder}")
    click.echo(f"`jupyter kernelspec remove {folder.name}` removes it.", err=True)


COMMANDS = (kernel,)
