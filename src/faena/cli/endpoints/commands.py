"""Commands about endpoints: deploy models, ask them, look at them and change them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli import streams
from faena.cli.command import command, group
from faena.cli.common import json_option, opened, print_json, tags_of, told_on_stderr, workspace

if TYPE_CHECKING:
    from faena.client.endpoints.webservice import LocalWebservice
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
        sample_input=None if options["sample"] is None else _body(options["sample"]).decode(),
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
    _show(service, as_json=as_json)


@command()
@json_option
def endpoints(as_json: bool) -> None:
    """List endpoints: their state, models and addresses."""
    from faena.cli.endpoints import showing

    found = opened().api.endpoints.list()
    print_json(found) if as_json else showing.many(found)


@command()
@click.argument("name")
@click.option(
    "--data", required=True, metavar="TEXT|@FILE|@-", help="The body: text, a file's, or standard input's."
)
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header; may be repeated.")
def call(name: str, data: str, headers: tuple[str, ...]) -> None:
    """Ask the endpoint NAME, and print what it answers."""
    import json

    answer = _service(name).run(_body(data), {"Content-Type": "application/json", **tags_of(headers)})
    if isinstance(answer, bytes):
        streams.write_bytes(iter([answer]))
    else:
        click.echo(json.dumps(answer, ensure_ascii=False))


@group()
def endpoint() -> None:
    """Look at an endpoint, change its traffic and keys, delete it."""


@endpoint.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the endpoint NAME, its revisions and their workers."""
    _show(_service(name), as_json=as_json)


@endpoint.command()
@click.argument("name")
@click.option("-n", "--lines", type=int, default=200, show_default=True, help="So many at most.")
@click.option("-f", "--follow", is_flag=True, help="Go on until you press Ctrl-C.")
def logs(name: str, lines: int, follow: bool) -> None:
    """Print what the workers of the endpoint NAME wrote last."""
    from faena.cli.endpoints import showing

    showing.logs(_service(name), lines, follow=follow)


@endpoint.command()
@click.argument("name")
@click.option("--auth/--no-auth", default=None, help="Whether a key is asked for.")
@click.option("--timeout", type=float, help="Seconds that one request may take.")
@click.option("--max-body", type=int, help="Bytes of a body at most.")
@click.option("--max-queue", type=int, help="Requests that wait at most.")
@click.option("--description", help="What it is.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@json_option
def update(name: str, tags: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Change keys' use, limits and names of the endpoint NAME; `faena deploy --overwrite` changes what answers."""
    from faena.client.endpoints.webservice import LocalWebservice

    given = {
        "auth_enabled": options["auth"],
        "timeout_seconds": options["timeout"],
        "max_body_bytes": options["max_body"],
        "max_queue": options["max_queue"],
        "description": options["description"],
    }
    given = {key: value for key, value in given.items() if value is not None}
    if not given and not tags:
        raise click.UsageError("Nothing to change was given.")
    service = _service(name)
    if given:
        service.update(deployment_config=LocalWebservice.deploy_configuration(**given))
    if tags:
        service.add_tags(tags_of(tags))
    _show(service, as_json=as_json)


@endpoint.command()
@click.argument("name")
@click.option("--to", type=int, metavar="REVISION", help="A revision (default: the one before).")
@json_option
def rollback(name: str, to: int | None, as_json: bool) -> None:
    """Have an earlier revision of the endpoint NAME answer again."""
    service = _service(name)
    service.rollback(to)
    service.wait_for_deployment()
    _show(service, as_json=as_json)


@endpoint.command()
@click.argument("name")
@click.argument("weights", nargs=-1, required=True, metavar="REVISION=WEIGHT…")
@json_option
def split(name: str, weights: tuple[str, ...], as_json: bool) -> None:
    """Split what the endpoint NAME is asked among revisions, such as 1=90 2=10."""
    service = _service(name)
    try:
        service.set_traffic({int(key): int(value) for key, value in tags_of(weights).items()})
    except ValueError:
        raise click.BadParameter("weights are whole numbers, such as 1=90 2=10.") from None
    service.wait_for_deployment()
    _show(service, as_json=as_json)


@endpoint.command()
@click.argument("name")
@click.option("--regenerate", type=click.Choice(["primary", "secondary"]), help="Make a new one first.")
@json_option
def keys(name: str, regenerate: str | None, as_json: bool) -> None:
    """Print both keys of the endpoint NAME."""
    service = _service(name)
    if regenerate:
        service.regen_key(regenerate)
    primary, secondary = service.get_keys()
    if as_json:
        print_json({"primary": primary, "secondary": secondary})
    else:
        click.echo(f"primary    {primary}\nsecondary  {secondary}")


@endpoint.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete the endpoint NAME once it has answered what it was asked."""
    _service(name).delete()
    click.echo(f"{name} is deleted.")


def _service(name: str) -> LocalWebservice:
    from faena.client.endpoints.webservice import LocalWebservice

    return LocalWebservice(workspace(), name)


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


def _body(given: str) -> bytes:
    if not given.startswith("@"):
        return given.encode()
    if given == "@-":
        return sys.stdin.buffer.read()
    try:
        return Path(given[1:]).expanduser().read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{given[1:]} cannot be read: {error.strerror}.") from error


def _show(service: LocalWebservice, *, as_json: bool) -> None:
    from faena.cli.endpoints import showing

    service.update_deployment_state()
    print_json(service.view) if as_json else showing.one(service.view)


COMMANDS = (deploy, endpoints, call, endpoint)
