"""Commands about endpoints that are there: look at them and change them."""

from __future__ import annotations

from typing import Any

import rich_click as click

from faena.cli.command import command, group
from faena.cli.common import json_option, opened, print_json, tags_of
from faena.cli.endpoints.asking import service_named


@command()
@json_option
def endpoints(as_json: bool) -> None:
    """List endpoints: their state, models and ports, and what they did in the last minute."""
    from faena.cli.endpoints import showing

    found = opened().api.endpoints.list(activity=True)
    print_json(found) if as_json else showing.many(found)


@group()
def endpoint() -> None:
    """Look at an endpoint, change its traffic and keys, delete it."""


@endpoint.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the endpoint NAME, its revisions and their workers, and what it did in the last minute."""
    from faena.cli.endpoints import showing

    showing.service(service_named(name), as_json=as_json)


@endpoint.command()
@click.argument("name")
@click.option("-n", "--lines", type=int, default=200, show_default=True, help="So many at most.")
@click.option("-f", "--follow", is_flag=True, help="Go on until you press Ctrl-C.")
def logs(name: str, lines: int, follow: bool) -> None:
    """Print what the workers of the endpoint NAME wrote last."""
    from faena.cli.endpoints import showing

    showing.logs(service_named(name), lines, follow=follow)


@endpoint.command()
@click.argument("name")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=1000, show_default=True, help="So many at most."
)
@json_option
def requests(name: str, limit: int, as_json: bool) -> None:
    """Show requests to the endpoint NAME that were kept (`--keep-requests`), the last ones."""
    from faena.cli.endpoints import showing

    found = opened().api.endpoints.kept_requests(name, limit)
    print_json(found) if as_json else showing.kept(found)


@endpoint.command()
@click.argument("name")
@click.option("--auth/--no-auth", default=None, help="Whether a key is asked for.")
@click.option("--timeout", type=float, help="Seconds that one request may take.")
@click.option("--max-body", type=int, help="Bytes of a body at most.")
@click.option("--max-queue", type=int, help="Requests that wait at most.")
@click.option("--keep-requests", type=float, help="Share of requests kept with their answers; 0: none.")
@click.option("--description", help="What it is.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@json_option
def update(name: str, tags: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Change keys' use, limits and names of the endpoint NAME; `faena deploy --overwrite` changes what answers."""
    from faena.cli.endpoints import showing
    from faena.client.endpoints.webservice import LocalWebservice

    given = {
        "auth_enabled": options["auth"],
        "timeout_seconds": options["timeout"],
        "max_body_bytes": options["max_body"],
        "max_queue": options["max_queue"],
        "keep_requests": options["keep_requests"],
        "description": options["description"],
    }
    given = {key: value for key, value in given.items() if value is not None}
    if not given and not tags:
        raise click.UsageError("Nothing to change was given.")
    service = service_named(name)
    if given:
        service.update(deployment_config=LocalWebservice.deploy_configuration(**given))
    if tags:
        service.add_tags(tags_of(tags))
    showing.service(service, as_json=as_json)


@endpoint.command()
@click.argument("name")
@click.option("--to", type=int, metavar="REVISION", help="A revision (default: the one before).")
@json_option
def rollback(name: str, to: int | None, as_json: bool) -> None:
    """Have an earlier revision of the endpoint NAME answer again."""
    from faena.cli.endpoints import showing

    service = service_named(name)
    service.rollback(to)
    service.wait_for_deployment()
    showing.service(service, as_json=as_json)


@endpoint.command()
@click.argument("name")
@click.argument("weights", nargs=-1, required=True, metavar="REVISION=WEIGHT…")
@click.option(
    "--sticky", metavar="HEADER", help="Requests with the same value of it go to the same revision; '': none."
)
@json_option
def split(name: str, weights: tuple[str, ...], sticky: str | None, as_json: bool) -> None:
    """Split what the endpoint NAME is asked among revisions, such as 1=90 2=10."""
    from faena.cli.endpoints import showing

    given = tags_of(weights, "a revision with its weight", "REVISION=WEIGHT, such as 1=90 2=10").items()
    try:
        wanted = {int(number): int(weight) for number, weight in given}
    except ValueError:
        raise click.BadParameter("revisions and weights are whole numbers, such as 1=90 2=10.") from None
    service = service_named(name)
    service.set_traffic(wanted, sticky_header=sticky)
    service.wait_for_deployment()
    showing.service(service, as_json=as_json)


@endpoint.command()
@click.argument("name")
@click.option("--regenerate", type=click.Choice(["primary", "secondary"]), help="Make a new one first.")
@json_option
def keys(name: str, regenerate: str | None, as_json: bool) -> None:
    """Print both keys of the endpoint NAME."""
    service = service_named(name)
    if regenerate:
        service.regen_key(regenerate)
    primary, secondary = service.get_keys()
    if as_json:
        print_json({"primary": primary, "secondary": secondary})
    else:
        click.echo(f"primary    {primary}\nsecondary  {secondary}")


@endpoint.command()
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="As for `faena delete`; an endpoint is deleted unasked.")
def delete(name: str, yes: bool) -> None:
    """Delete the endpoint NAME once it has answered what it was asked."""
    service_named(name).delete()
    click.echo(f"{name} is deleted.")


COMMANDS = (endpoints, endpoint)
