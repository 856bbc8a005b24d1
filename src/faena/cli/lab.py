"""`faena lab`: JupyterLab on the workspace."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli.command import command
from faena.cli.common import opened, told_on_stderr, workspace
from faena.cli.kernel_options import asks_for_something, environment_of, kernel_options
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.notebook.kernels.specs import Kernel

_EXAMPLES = "faena-examples"


@command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8888, show_default=True, help="Or the next free one."
)
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.option("--no-examples", is_flag=True, help=f"Copy no examples into {_EXAMPLES}.")
@kernel_options
def lab(port: int, no_browser: bool, no_examples: bool, options: dict[str, Any]) -> None:
    """Start JupyterLab in the workspace's folder, until Ctrl-C. See docs/notebooks.md.

    With --as-of and other packages, notebooks run on a kernel that has those: docs/as-of.md.
    """
    from faena.notebook.lab import examples, installation, process

    folder = Path(opened().folder)
    kernel = _kernel(options) if asks_for_something(options) else None
    shown = "/lab"
    if not no_examples:
        try:
            copied = examples.copy(folder / _EXAMPLES)
            shown = f"/lab/tree/{_EXAMPLES}" if (folder / _EXAMPLES).is_dir() else shown
            if copied:
                click.echo(f"{counted(copied, 'example file')} copied to {folder / _EXAMPLES}", err=True)
        except OSError as error:
            click.echo(f"The examples cannot be copied to {folder / _EXAMPLES}: {error.strerror}", err=True)
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="faena-lab-") as scratch:
        try:
            with installation.ready(Path(scratch), lambda line: click.echo(line, err=True)) as found:
                if kernel is not None:
                    installation.put_in_front(Path(scratch), kernel)
                    click.echo(f"Notebooks run on {kernel.title}.", err=True)
                click.echo("Ctrl-C ends it.", err=True)
                code = process.run(
                    found, folder, Path(scratch), port=port, browser=not no_browser, shown=shown
                )
        except KeyboardInterrupt:
            click.echo(err=True)
            code = 0
    sys.exit(code)


def _kernel(options: dict[str, Any]) -> Kernel:
    from faena.notebook.kernels import building

    current = workspace()
    with told_on_stderr():
        return building.build(current, environment_of(current, options), click.echo)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


COMMANDS = (lab,)
