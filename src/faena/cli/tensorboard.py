"""`faena tensorboard`: the real one, over the event files of runs."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from faena.cli.command import command
from faena.cli.naming import get_run, run_argument


@command()
@run_argument("run_ids", nargs=-1, required=True, metavar="RUN ...")
@click.option("--port", type=click.IntRange(0, 65535), default=6006, show_default=True, help="0: a free one.")
@click.option("--root", type=click.Path(path_type=Path), help="Copy the files here, and leave them.")
@click.option("--browser", is_flag=True, help="Open the browser.")
def tensorboard(run_ids: tuple[str, ...], port: int, root: Path | None, browser: bool) -> None:
    """Start TensorBoard over the event files of runs, also of those that go on, until Ctrl-C. See docs/loggers.md."""
    from faena.client.tensorboard.server import TensorBoard

    board = TensorBoard([get_run(each) for each in run_ids], root, port)
    try:
        board.start(start_browser=browser)
        click.echo("Ctrl-C ends it.", err=True)
        board.wait()
    except KeyboardInterrupt:
        click.echo()
    finally:
        board.stop()


COMMANDS = (tensorboard,)
