"""`faena name`, `describe`, `tag` and `archive`: what people say of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, print_json, tags_of
from faena.cli.common import workspace as open_workspace
from faena.cli.layout import print_as_is
from faena.cli.naming import get_run, run_argument

if TYPE_CHECKING:
    from faena.client.runs.comments import Comment


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


@command()
@run_argument("run_id")
@click.argument("text", metavar="[TEXT]", required=False)
@click.option("--change", metavar="ID", help="Replace the text of a comment of yours.")
@click.option("--delete", "gone", metavar="ID", help="Delete a comment; owners may delete those of others.")
@json_option
def comment(run_id: str, text: str | None, change: str | None, gone: str | None, as_json: bool) -> None:
    """Comment on RUN, or print what people said of it."""
    if (gone is not None and (text is not None or change is not None)) or (
        change is not None and text is None
    ):
        raise click.UsageError("Give TEXT, --change ID with TEXT, --delete ID, or nothing to print all.")
    run = get_run(run_id)
    if text is not None and change is None:
        print_as_is(run.add_comment(text).id)
        return
    found = run.get_comments()
    if (which := change or gone) is not None:
        said = next((each for each in found if each.id == which), None)
        if said is None:
            raise click.ClickException(
                f"Run {run.id} has no comment {which[:80]!r}. `faena comment {run.id}` prints their ids."
            )
        said.change(text) if text is not None else said.delete()
        return
    if as_json:
        print_json([_values(each) for each in found])
        return
    for each in found:
        changed = "" if each.changed_at is None else ", changed"
        click.secho(
            f"{each.author or '-'}  {each.created_at.astimezone():%Y-%m-%d %H:%M}{changed}",
            bold=True,
            nl=False,
        )
        click.secho(f"  {each.id}", dim=True)
        print_as_is(each.text)


def _values(said: Comment) -> dict[str, object]:
    return {
        "id": said.id,
        "author": said.author,
        "text": said.text,
        "created_at": said.created_at.isoformat(),
        "changed_at": said.changed_at and said.changed_at.isoformat(),
    }


COMMANDS = (name, describe, tag, archive, comment)
