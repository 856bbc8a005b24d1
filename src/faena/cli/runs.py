"""Commands that list runs, show one and stop one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json
from faena.cli.naming import HYPERDRIVE, get_run, run_argument
from faena.kernel.errors import FaenaError

if TYPE_CHECKING:
    from faena.client.api import ServerApi
    from faena.client.runs.run import Run
    from faena.runs.list_schemas import RunPage
    from faena.runs.schemas import RunView

_COUNTED = 100
"""Children that `faena show` counts."""
_ASKED = 50
"""Sweeps of a page at most."""


@command()
@click.option("--experiment", help="Of this experiment only.")
@click.option("--status", help="In this state only, such as Completed.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="With this tag; may be repeated.")
@click.option("--filter", "text", help="Such as \"metrics.Accuracy > 0.97 and tags.team = 'a'\".")
@click.option("--sort", help="By a field; largest first with a dash: -metrics.Accuracy (default: -created).")
@click.option("--columns", help="These instead: id,status,metrics.Accuracy,params.epochs,tags.team.")
@click.option(
    "--children/--no-children",
    default=None,
    help="Also runs that another run started (default: where a --filter is given).",
)
@click.option("--archived", is_flag=True, help="Also runs that were archived.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@json_option
def runs(
    experiment: str | None,
    status: str | None,
    tags: tuple[str, ...],
    text: str | None,
    sort: str | None,
    columns: str | None,
    children: bool | None,
    archived: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List runs, newest first unless sorted. docs/filters.md describes filters."""
    from faena.cli import runs_table

    if columns is not None:
        runs_table.chosen_columns(columns)  # refused before the server is asked
    wanted = {key: value if equals else None for key, equals, value in (tag.partition("=") for tag in tags)}
    current = opened()
    page = current.api.page(
        experiment=experiment,
        status=status,
        tags=wanted,
        include_children=bool(text and text.strip()) if children is None else children,
        archived=archived or None,
        filter=text,
        sort=sort,
        whole=True,
        limit=limit,
    )
    if as_json:
        print_json(page.runs if columns is None else runs_table.chosen_values(page.runs, columns))
    elif columns is not None:
        runs_table.chosen_table(page.runs, columns, _empty(page))
    else:
        runs_table.default_table(page.runs, sort, _empty(page), _sweeps(current.api, page))
    if page.note and (page.runs or as_json):
        click.echo(page.note, err=True)
    if page.next:
        shown = "This is 1 run" if len(page.runs) == 1 else f"These are {len(page.runs)} runs"
        click.echo(f"{shown}; there are more: --limit.", err=True)


def _sweeps(api: ServerApi, page: RunPage) -> dict[str, str]:
    """Ended trials and all of them, by the ids of a page's sweeps; of more than a few only that they are sweeps."""
    ids = [run.id for run in page.runs if run.type == HYPERDRIVE]
    if not ids:
        return {}
    from faena.cli.sweeps.trials_table import ended_count, total_count

    views = [api.sweeps.get(each) for each in ids[:_ASKED]]
    told = {view.id: f"{ended_count(view):,}/{total_count(view):,}" for view in views}
    return {**dict.fromkeys(ids, "sweep"), **told}


def _empty(page: RunPage) -> str:
    """What stands in the place of a table; empty where there is one."""
    if page.empty is None:
        return ""
    if not page.empty.total:
        return "No runs yet. Submit one with `faena submit`."
    told = [page.empty.message, page.note]
    for count, option, what in (
        (page.empty.children, "--children", "run that another run started"),
        (page.empty.archived, "--archived", "archived run"),
    ):
        if count:
            several = what.replace("run", "runs", 1) if count > 1 else what
            told.append(f"{count} {several} would: {option}.")
    return " ".join(filter(None, told))


@command()
@run_argument()
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show where RUN is, its phases in seconds, what it waits for, why it ended."""
    run = get_run(run_id)
    if as_json:
        print_json(run.refresh())
        return
    from faena.cli import tables

    view = run.refresh()
    api = run.experiment.workspace.api
    facts = _sweep_facts(api, view.id) if view.type == HYPERDRIVE else _children(api, view.id)
    if comments := api.comments.list(view.id):
        facts["Comments"] = f"{len(comments):,}: faena comment {view.id}"
    tables.run(view, facts, python=_python_of(api, view))
    if view.ended_at is None:
        _tell_full_disk(run, "The run's state cannot be kept until then.")


def _python_of(api: ServerApi, view: RunView) -> str:
    """The version, as its lock says; empty for a run that has none."""
    if view.lock is None:
        return ""
    try:
        return str(api.records.lock(view.id)["python"]).rpartition(" ")[2]
    except (FaenaError, KeyError, TypeError):  # an environment that cannot be told hides nothing else
        return ""


def _children(api: ServerApi, run_id: str) -> dict[str, str]:
    """How many runs are below it, and what lists them; nothing where there is none."""
    asked = f"parent = '{run_id}'"
    page = api.page(filter=asked, include_children=True, limit=_COUNTED)
    if not page.runs:
        return {}
    count = f"more than {_COUNTED}" if page.next else f"{len(page.runs)}"
    return {"Children": f'{count}: faena runs --filter "{asked}"'}


def _sweep_facts(api: ServerApi, sweep_id: str) -> dict[str, str]:
    from faena.cli.sweeps import trials_table

    sweep = api.sweeps.get(sweep_id)
    best = sweep.best
    facts = {"Sweep": trials_table.counts_text(sweep)}
    if best is not None:
        facts["Best"] = f"{best.run_id}: {sweep.spec.objectives[0].name} {trials_table.number(best.value)}"
    return {**facts, "Trials": f"faena sweep show {sweep_id}"}


@command()
@run_argument("run_ids", metavar="RUN...", nargs=-1, required=True)
def cancel(run_ids: tuple[str, ...]) -> None:
    """Ask each RUN to stop: SIGTERM, and SIGKILL after its grace. What it wrote is kept."""
    found = [get_run(each) for each in run_ids]  # before any is asked: one that is not there stops none
    for run in found:
        run.cancel()
        click.echo(f"{run.id}: {run.get_status()}")
    if found:
        _tell_full_disk(found[0], "Scripts are stopped; their runs end when there is room.")


def _tell_full_disk(run: Run, meaning: str) -> None:
    from faena.kernel import disk_space
    from faena.kernel.errors import NoFolder

    with suppress(NoFolder):  # a server elsewhere looks after its own disk
        place = run.experiment.workspace.files.path
        if disk_space.is_full(place):
            click.echo(f"{disk_space.said(place)} {meaning}", err=True)


COMMANDS = (runs, show, cancel)
