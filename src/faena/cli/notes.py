"""`faena name`, `describe`, `tag` and `archive`: what people say of a run."""

from __future__ import annotations

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, print_json, tags_of
from faena.cli.common import workspace as open_workspace
from faena.cli.layout import print_as_is
from faena.cli.naming import get_run, run_argument


@command()
@run_argument("run")
@click.argument("name", metavar="NAME")
def name(run: str, name: str) -> None:
    """Give RUN a display name; an empty one takes it away."""
    get_run(run).display_name = name


@command()
@run_argument("run")
@click.argument("text", metavar="[TEXT]", required=False)
def describe(run: str, text: str | None) -> None:
    """Note TEXT about RUN, or print what is noted; an empty text takes it away."""
    found = get_run(run)
    if text is None:
        print_as_is(found.description or "")
    else:
        found.description = text


@command()
@run_argument("runs", metavar="RUN...", nargs=-1)
@click.option(
    "--experiment", "experiments", multiple=True, help="An experiment with its runs; may be repeated."
)
@click.option("--undo", is_flag=True, help="Show them in lists again.")
def archive(runs: tuple[str, ...], experiments: tuple[str, ...], undo: bool) -> None:
    """Leave runs or experiments out of lists. Everything is kept; `faena runs --archived` shows them, too."""
    if not (runs or experiments):
        raise click.UsageError("Name at least one RUN or --experiment.")
    workspace = open_workspace()
    for run_id in runs:
        run = get_run(run_id, workspace)
        run.restore() if undo else run.archive()
    for experiment in experiments:
        workspace.api.archive_experiment(experiment, archived=not undo)


@command()
@run_argument("run_id")
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--remove", "gone", multiple=True, metavar="KEY", help="A tag to take away; may be repeated.")
@json_option
def tag(run_id: str, tags: tuple[str, ...], gone: tuple[str, ...], as_json: bool) -> None:
    """Set tags of RUN, or take some away; prints those that it has then."""
    run = get_run(run_id)
    if tags:
        run.set_tags(tags_of(tags))
    if gone:
        run.remove_tags(gone)
    found = run.get_tags()
    if as_json:
        print_json(found)
        return
    for key, value in found.items():
        print_as_is(f"{key}={value}")


COMMANDS = (name, describe, tag, archive)
