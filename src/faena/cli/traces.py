"""Commands about traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json
from faena.cli.naming import run_argument, view_of

if TYPE_CHECKING:
    from faena.client.api import ServerApi

_MOST = 1000
_STEPS = 200
_LONGEST_NUMBER = 6


@command()
@run_argument("run", required=False, metavar="[RUN]")
@click.option("--experiment", help="Of this experiment only.")
@click.option("--status", help="ok, failed or 'in progress' only.")
@click.option("--text", help="With this in their names, or where their requests and answers begin.")
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=20, show_default=True, help="At most so many."
)
@json_option
def traces(
    run: str | None, experiment: str | None, status: str | None, text: str | None, limit: int, as_json: bool
) -> None:
    """List traces, the latest first: those that RUN made, or that were put to it; without RUN all."""
    api = opened().api
    run_id = None if run is None else view_of(api, run).id
    wanted = {"run": run_id, "experiment": experiment, "status": status, "text": text}
    found = list(api.traces.listed(limit + 1, **wanted))
    shown = found[:limit]
    if as_json:
        print_json(shown)
    else:
        from faena.cli import trace_tables

        filtered = any(value is not None for value in wanted.values())
        trace_tables.traces(shown, "No such traces." if filtered else _NONE)
    if len(found) > limit:
        click.echo(f"These are {limit}; there are more: --limit.", err=True)


_NONE = "No traces yet. docs/mlflow.md says how applications tell of them."


@command()
@click.argument("trace_id", metavar="TRACE")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=_STEPS, show_default=True, help="Steps at most."
)
@click.option(
    "--step", metavar="STEP", help="All that was told of one step, by its number or its id, as JSON."
)
@json_option
def trace(trace_id: str, limit: int, step: str | None, as_json: bool) -> None:
    """Show a trace: its steps as a tree, how long each took, and what was said of it."""
    api = opened().api
    view = api.traces.get(trace_id)
    if step is not None:
        print_json(api.traces.span(trace_id, _step_id(api, trace_id, step)))
        return
    spans, total = api.traces.spans(trace_id, limit)
    if as_json:
        print_json({**msgspec.to_builtins(view), "spans": msgspec.to_builtins(spans)})
        if total > len(spans):
            click.echo(f"{total:,} steps; these are {len(spans):,}: --limit.", err=True)
        return
    from faena.cli import trace_tables

    trace_tables.trace(view, spans, total)


def _step_id(api: ServerApi, trace_id: str, given: str) -> str:
    """Of a step by its number in the tree, or by its id, which has 16 digits."""
    if not given.isdecimal() or len(given) > _LONGEST_NUMBER:
        return given
    found, total = api.traces.spans(trace_id, max(1, int(given)))
    if not 1 <= int(given) <= total:
        raise click.BadParameter(f"there is no step {given}; the trace has {total:,}.", param_hint="--step")
    return found[-1].id


@command("delete-trace")
@click.argument("trace_ids", metavar="TRACE...", nargs=-1, required=True)
def delete_trace(trace_ids: tuple[str, ...]) -> None:
    """Delete each TRACE for good, with its steps and what was said of it."""
    api = opened().api
    for trace_id in trace_ids:  # before any goes: one that is not there keeps the others
        api.traces.get(trace_id)
    for trace_id in trace_ids:
        _delete(api, trace_id)


def _delete(api: ServerApi, trace_id: str) -> None:
    api.traces.delete(trace_id)
    click.echo(f"{trace_id} is deleted.")


COMMANDS = (traces, trace, delete_trace)
