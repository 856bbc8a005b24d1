"""What scores, as commands are told it: a script or a kind of model, and packages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

if TYPE_CHECKING:
    from faena.client.endpoints.inference_config import InferenceConfig
    from faena.client.environments.environment import Environment
    from faena.client.models.model import Model
    from faena.client.workspace import Workspace

_FILE = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--script", help="The scoring script, with init() and run(data), in the source folder."),
    click.option(
        "--kind", help="Without a script: chainer, sklearn, onnx or mlflow (default: what the model is)."
    ),
    click.option("--link", metavar="MODULE:CLASS", help="The class of a Chainer model."),
    click.option("--trust", is_flag=True, help="Load a pickle, which runs whatever code it holds."),
    click.option("--source", type=_FILE, help="Folder to capture (default: the script alone)."),
    click.option("--pip", "packages", multiple=True, help="A package to install; may be repeated."),
    click.option("--conda-file", type=_FILE, help="A conda environment file instead."),
    click.option("--environment", metavar="NAME[:VERSION]", help="A registered environment instead."),
    click.option("--user-managed", is_flag=True, help="Use the Python that runs faena as it is."),
)


def inference_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Those of what scores, in the order in which they are told."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), function)


def inference_of(current: Workspace, models: Sequence[Model], options: dict[str, Any]) -> InferenceConfig:
    from faena.client.endpoints import deploying
    from faena.client.endpoints.inference_config import InferenceConfig

    environment = _environment(current, options)
    if options["script"]:
        return InferenceConfig(options["script"], source_directory=options["source"], environment=environment)
    return InferenceConfig.of_kind(
        options["kind"] or deploying.kind_of(models),
        link=options["link"],
        trust=options["trust"],
        source_directory=options["source"],
        environment=environment,
    )


def model_named(current: Workspace, given: str) -> Model:
    from faena.client.models.model import Model

    return Model(current, id=given) if ":" in given else Model(current, given)


def name_of(model: Model) -> str:
    """What an endpoint may be called, of a model's name."""
    plain = "".join(each if each.isascii() and each.isalnum() else "-" for each in model.name.lower())
    return plain.strip("-")[:32].rstrip("-")


def _environment(current: Workspace, options: dict[str, Any]) -> Environment | None:
    from faena.client.environments.conda_dependencies import CondaDependencies
    from faena.client.environments.environment import Environment

    ways = [each for each in ("packages", "conda_file", "environment", "user_managed") if options[each]]
    if len(ways) > 1:
        raise click.UsageError("Give one of --pip, --conda-file, --environment and --user-managed.")
    if not ways:
        return None
    if options["environment"]:
        name, _, version = options["environment"].partition(":")
        return Environment.get(current, name, version or None)
    if options["conda_file"]:
        return Environment.from_conda_specification("deployed", str(options["conda_file"]))
    made = Environment("deployed")
    if options["user_managed"]:
        made.python.user_managed_dependencies = True
        made.python.interpreter_path = sys.executable
    else:
        made.python.conda_dependencies = CondaDependencies.of(list(options["packages"]), [])
    return made
