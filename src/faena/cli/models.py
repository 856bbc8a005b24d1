"""Commands about registered models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, print_json, tags_of, workspace
from faena.cli.naming import get_run, run_argument

if TYPE_CHECKING:
    from faena.client.models.model import Model
    from faena.client.workspace import Workspace


@command()
@run_argument("source", nargs=-1, required=True, metavar="[RUN] PATH")
@click.option("--name", required=True, help="The model's name.")
@click.option("--description", default="", help="What it is.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option("--framework", help="What it was made with, such as Chainer.")
@click.option("--framework-version", help="The version of the framework.")
@json_option
def register(
    source: tuple[str, ...],
    name: str,
    description: str,
    tags: tuple[str, ...],
    framework: str | None,
    framework_version: str | None,
    as_json: bool,
) -> None:
    """Register PATH as the next version of a model: a file or folder of RUN, or of this machine without RUN."""
    from contextlib import redirect_stdout
    from sys import stderr

    from faena.client.models.model import Model

    described: dict[str, Any] = {
        "tags": tags_of(tags),
        "description": description,
        "model_framework": framework,
        "model_framework_version": framework_version,
    }
    if len(source) > 2:
        raise click.UsageError(
            f"{len(source)} arguments are too many. Use RUN PATH, or PATH of this machine."
        )
    with redirect_stdout(stderr):  # what is printed on the way is no part of the answer
        if len(source) == 2:
            model = get_run(source[0]).register_model(name, source[1], **described)
        else:
            model = Model.register(workspace(), source[0], name, **described)
    if as_json:
        print_json(model.view)
    else:
        click.echo(model.id)


@command()
@click.option("--name", help="Versions of this model only.")
@click.option("--latest", is_flag=True, help="The latest version of each only.")
@click.option(
    "--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="With this tag only; may be repeated."
)
@json_option
def models(name: str | None, latest: bool, tags: tuple[str, ...], as_json: bool) -> None:
    """List registered models, the latest version first."""
    from faena.client.models.model import Model

    wanted = [tag.split("=", 1) for tag in tags]
    current = workspace()
    found = [model.view for model in Model.list(current, name=name, tags=wanted, latest=latest)]
    if as_json:
        print_json(found)
        return
    from faena.cli import tables

    bare = [] if name or tags else [each.name for each in current.api.models.names(empty=True)]
    if found or not bare:
        tables.models(found, "" if found else _why_none(current, name, tags))
    if bare:
        click.echo(f"Without a version yet: {', '.join(bare)}")


def _why_none(current: Workspace, name: str | None, tags: tuple[str, ...]) -> str:
    from faena.client.models.model import Model
    from faena.kernel.nearest import nearest

    there = [model.name for model in Model.list(current, latest=True)]
    if not there:
        return "No models yet. Register one with `faena register`."
    if name and name not in there:
        near = nearest(name, there)
        return f"There is no model {name!r}. " + (
            f"There is {', '.join(near)}." if near else "`faena models` lists them."
        )
    return f"None of {len(there)} {'models' if len(there) > 1 else 'model'} has such tags."


@command("show-model")
@click.argument("model", metavar="NAME[:VERSION|@ALIAS]")
@json_option
def show_model(model: str, as_json: bool) -> None:
    """Show a model (default: its latest version): its files, the run that made it, that run's source and data."""
    from faena.client.endpoints import serving

    found = _model(model)
    endpoints = serving.of_model(found.workspace, found.name, found.version)
    if as_json:
        shown = [{"name": each.endpoint.name, "share": each.share} for each in endpoints]
        print_json({**msgspec.to_builtins(found.view), "endpoints": shown})
        return
    from faena.cli import tables

    tables.model(found.view, ", ".join(map(str, endpoints)))


@command("alias-model")
@click.argument("model", metavar="NAME[:VERSION|@ALIAS]")
@click.argument("alias")
@click.option("--remove", is_flag=True, help="Take ALIAS away from the model.")
def alias_model(model: str, alias: str, remove: bool) -> None:
    """Have NAME@ALIAS mean a version of a model (default: its latest), whichever it meant before.

    Runs, endpoints and commands take NAME@ALIAS in the place of NAME:VERSION.
    """
    from faena.models.model import check_alias

    check_alias(alias)
    found = _model(model)
    before = _means(found, alias)
    if not remove:
        found.set_alias(alias)
        moved = "" if before in (None, found.version) else f", and no longer {found.name}:{before}"
        click.echo(f"{found.name}@{alias} is {found.id}{moved}.")
        return
    if before is None:
        _model(f"{found.name}@{alias}")  # says which there are
    if ":" in model and before != found.version:
        raise click.UsageError(f"{found.name}@{alias} is {found.name}:{before}, not {found.id}.")
    found.workspace.api.models.remove_alias(found.name, alias, before)
    click.echo(f"{found.name} has no alias {alias} any more; it was {found.name}:{before}.")


def _means(model: Model, alias: str) -> int | None:
    """The version that the alias means now."""
    from faena.kernel.errors import ModelNotFoundException

    try:
        return model.workspace.api.models.get_by_alias(model.name, alias).version
    except ModelNotFoundException:
        return None


@command("stage-model")
@click.argument("model", metavar="NAME[:VERSION|@ALIAS]")
@click.argument("stage", metavar="STAGE")
@click.option("--archive-others", is_flag=True, help="Versions that are in STAGE go to Archived.")
def stage_model(model: str, stage: str, archive_others: bool) -> None:
    """Put a version of a model (default: its latest) into Staging, Production or Archived; None: into none of these."""
    found = _model(model)
    found.set_stage(stage, archive_others=archive_others)
    click.echo(f"{found.id} is in {found.stage}." if found.stage else f"{found.id} is in no stage.")


@command("delete-model")
@click.argument("model", metavar="NAME:VERSION")
def delete_model(model: str) -> None:
    """Delete a version of a model, or a model without one. A version's number is never given out again."""
    if ":" not in model:
        current = workspace()
        if any(each.name == model for each in current.api.models.names(empty=True)):
            from faena.client.workspaces.session import user
            from faena.tidying.schemas import DeletionRequest

            current.api.tidy.delete(DeletionRequest(models=(model,), user=user()))
            click.echo(f"{model} is deleted.")
            return
        name = model.partition("@")[0]
        raise click.BadParameter(f"{model!r} names no version. Use NAME:VERSION, such as {name}:1.")
    found = _model(model)
    found.delete()
    click.echo(f"{found.id} is deleted.")


def _model(given: str) -> Model:
    from faena.client.models.model import Model

    return Model(workspace(), id=given) if ":" in given else Model(workspace(), given)


COMMANDS = (register, models, show_model, alias_model, stage_model, delete_model)
