"""`faena deploy`: registered models answer over HTTP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, tags_of, told_on_stderr, workspace
from faena.cli.endpoints.asking import body_of

if TYPE_CHECKING:
    from faena.client.environments.environment import Environment
    from faena.client.models.model import Model
    from faena.client.workspace import Workspace

_FILE = click.Path(path_type=Path)


@command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL[:VERSION]…")
@click.option("--name", help="Its name: 3 to 32 lower-case letters, digits and '-' (default: the model's).")
@click.option("--script", help="The scoring script, with init() and run(data), in the source folder.")
@click.option(
    "--kind", help="Without a script: chainer, sklearn, onnx or mlflow (default: what the model is)."
)
@click.option("--link", metavar="MODULE:CLASS", help="The class of a Chainer model.")
@click.option("--trust", is_flag=True, help="Load a pickle, which runs whatever code it holds.")
@click.option("--source", type=_FILE, help="Folder to capture (default: the script alone).")
@click.option("--pip", "packages", multiple=True, help="A package to install; may be repeated.")
@click.option("--conda-file", type=_FILE, help="A conda environment file instead.")
@click.option("--environment", metavar="NAME[:VERSION]", help="A registered environment instead.")
@click.option("--user-managed", is_flag=True, help="Use the Python that runs faena as it is.")
@click.option("--workers", type=int, help="Processes that score (default: 1).")
@click.option("--port", type=int, help="Port (default: a free one, which is kept).")
@click.option("--auth/--no-auth", default=None, help="Whether a key is asked for (default: yes).")
@click.option("--timeout", type=float, help="Seconds that one request may take (default: 60).")
@click.option("--max-batch-size", type=int, help="Rows that run() gets at once (default: 1).")
@click.option(
    "--sample", metavar="TEXT|@FILE", help="A body that a new revision must answer before it takes over."
)
@click.option(
    "--overwrite", is_flag=True, help="Put it in the place of what NAME serves, without losing a request."
)
@click.option(
    "--percentage", type=int, default=100, help="Of the requests, for the new revision (with --overwrite)."
)
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option("--wait/--no-wait", default=True, help="Wait until it answers (default: yes).")
@json_option
def deploy(models: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Have registered models answer over HTTP.

    Without --pip, --conda-file, --environment and --user-managed the script gets the packages of the run that made
    the model.
    """
    from faena.cli.endpoints import showing
    from faena.client.endpoints import deploying
    from faena.client.endpoints.inference_config import InferenceConfig
    from faena.client.endpoints.webservice import LocalWebservice

    current = workspace()
    chosen = [_model(current, each) for each in models]
    name = options["name"] or _name_of(chosen[0])
    environment = _environment(current, options)
    if options["script"]:
        inference = InferenceConfig(
            options["script"], source_directory=options["source"], environment=environment
        )
    else:
        inference = InferenceConfig.of_kind(
            options["kind"] or deploying.kind_of(chosen),
            link=options["link"],
            trust=options["trust"],
            source_directory=options["source"],
            environment=environment,
        )
    configuration = LocalWebservice.deploy_configuration(
        options["port"],
        auth_enabled=options["auth"],
        workers=options["workers"],
        timeout_seconds=options["timeout"],
        max_batch_size=options["max_batch_size"],
        sample_input=None if options["sample"] is None else body_of(options["sample"]).decode(),
        tags=tags_of(options["tags"]) or None,
    )
    with told_on_stderr():
        view = deploying.deploy(
            current,
            name,
            chosen,
            inference,
            configuration,
            onto="any" if options["overwrite"] else "new",
            percentage=options["percentage"],
        )
        service = LocalWebservice.of_view(current, view)
        if options["wait"]:
            service.wait_for_deployment(show_output=not as_json)
    showing.service(service, as_json=as_json)


def _model(current: Workspace, given: str) -> Model:
    from faena.client.models.model import Model

    return Model(current, id=given) if ":" in given else Model(current, given)


def _name_of(model: Model) -> str:
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


COMMANDS = (deploy,)
