"""`faena queue`: who waits for nodes, and when each may start."""

from __future__ import annotations

import time

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json
from faena.cli.layout import print_table
from faena.kernel import durations
from faena.kernel.plural import counted


@command()
@click.argument("cluster", required=False)
@click.option(
    "--most", type=click.IntRange(1, 500), default=20, show_default=True, help="Runs of each that are shown."
)
@json_option
def queue(cluster: str | None, most: int, as_json: bool) -> None:
    """List the runs that wait for nodes of CLUSTER (default: of all), in turn.

    When one may start is told by how long the latest runs of the same experiments took; `?` where they do not tell.
    """
    api = opened().api
    names = [cluster] if cluster is not None else [each.name for each in api.clusters()]
    found = [api.queue(name, most) for name in names]
    if as_json:
        print_json(found)
        return
    waits = [each for each in found if each.runs]
    if not waits:
        click.echo("No run waits for nodes.")
    now = time.time_ns() // 1000
    for place, each in enumerate(waits):
        if place:
            click.echo()
        click.echo(f"{each.cluster}: {counted(each.length, 'run')} on {counted(each.nodes, 'node')} at most")
        rows = [
            [
                str(run.place),
                run.run_id,
                run.user or "-",
                "?" if run.may_start_at is None else durations.until(run.may_start_at - now),
                run.waits_for or "",
            ]
            for run in each.runs
        ]
        print_table(["#", "Run", "Of", "May start", "Waits for"], rows)


COMMANDS = (queue,)
