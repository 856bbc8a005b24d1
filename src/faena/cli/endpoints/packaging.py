"""`faena package`: a folder that serves registered models anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, print_json, told_on_stderr, workspace
from faena.cli.endpoints.inference import inference_of, inference_options, model_named


@command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL[:VERSION|@ALIAS]…")
@inference_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The folder to write; an earlier package there is replaced (default: the model's name).",
)
@click.option(
    "--image", metavar="NAME", help="Build an image of that name, too, by docker, podman or buildah."
)
@json_option
def package(models: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Write a folder that serves registered models on any machine: `./serve` in it starts.

    Without --pip, --conda-file, --environment and --user-managed the script gets the packages of the run that made
    the model.
    """
    from faena.client.models.model import Model

    current = workspace()
    chosen = [model_named(current, each) for each in models]
    name, _, label = (options["image"] or "").partition(":")
    with told_on_stderr():
        made = Model.package(
            current,
            chosen,
            inference_of(current, chosen, options),
            image_name=name or None,
            image_label=label or None,
        )
        made.wait_for_creation(show_output=not as_json)
        folder = (options["output"] or Path(made.name)).absolute()
        made.save(folder)
        if options["image"]:
            made.pull()
    if as_json:
        print_json({**made.serialize(), "folder": str(folder)})
    else:
        click.echo(f"{folder}/serve serves it.")


COMMANDS = (package,)
