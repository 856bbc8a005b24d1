"""The command that waits for runs."""

from __future__ import annotations

import sys
import time
from threading import Thread
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli import streams
from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json
from faena.cli.naming import id_of, run_argument
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.client.api import ServerApi
    from faena.runs.schemas import RunView


@command()
@run_argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option("--timeout", type=click.FloatRange(min=0), help="Give up after so many seconds: exit code 124.")
@json_option
def wait(run_ids: tuple[str, ...], timeout: float | None, as_json: bool) -> None:
    """Wait until each RUN has ended. The exit code is 0 where all are Completed.

    Else it is that of the first RUN which is not: its script's own, 128 and the signal that ended it, 143 for
    Canceled, 124 for its time limit, 1 for others.
    """
    from faena.cli.outcome import TIMED_OUT, exit_code

    api = opened().api
    ids = [id_of(api, each) for each in run_ids]
    until = None if timeout is None else time.monotonic() + timeout
    ended: list[RunView] = []
    with streams.following():
        for run_id in ids:
            view = _ended(api, run_id, until)
            if view is None:
                click.echo(
                    f"{run_id} is {api.run(run_id).status} after {counted(timeout or 0, 'second')}.", err=True
                )
                sys.exit(TIMED_OUT)
            ended.append(view)
            if not as_json:
                click.echo(f"{view.id}  {view.status}")
    if as_json:
        print_json(ended)
    sys.exit(next(filter(None, map(exit_code, ended)), 0))


def _ended(api: ServerApi, run_id: str, until: float | None) -> RunView | None:
    """The run at its end; None where that takes longer. Raises ServiceException."""
    from faena.client.runs.follow import follow

    if until is None or api.run(run_id).ended_at is not None:
        return follow(api, run_id, None)
    found: list[RunView | BaseException] = []

    def look() -> None:
        try:
            found.append(follow(api, run_id, None))
        except BaseException as error:  # noqa: BLE001  raised again below, in the thread that waits
            found.append(error)

    waiting = Thread(target=look, daemon=True)
    waiting.start()
    waiting.join(max(0.0, until - time.monotonic()))
    if not found:
        return None
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


COMMANDS = (wait,)
