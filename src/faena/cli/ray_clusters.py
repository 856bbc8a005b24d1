"""Ray clusters: the command that attaches one, and the options of nodes of one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, opened, print_json
from faena.kernel.errors import UserErrorException

_SHAPE = (
    click.option("--cpus", type=float, default=1.0, show_default=True, help="That a node asks Ray for."),
    click.option(
        "--gpus", type=float, default=0.0, show_default=True, help="Likewise; 0.5 is a part of one."
    ),
    click.option("--memory", type=int, default=0, help="Bytes, likewise. Default: as there is."),
    click.option(
        "--resource",
        "resources",
        multiple=True,
        metavar="NAME=AMOUNT",
        help="Of the cluster's own. Repeatable.",
    ),
)


def shape_options(function: Callable[..., None]) -> Callable[..., None]:
    """What a node asks Ray for."""
    for option in reversed(_SHAPE):
        function = option(function)
    return function


def shape_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """As handles want it. Raises UserErrorException."""
    return {
        "cpus_per_node": options["cpus"],
        "gpus_per_node": options["gpus"],
        "memory_per_node": options["memory"],
        "resources_per_node": dict(map(_resource, options["resources"])),
    }


@command("attach-ray")
@click.argument("name")
@click.argument("address")
@click.option(
    "--token", "asks_token", is_flag=True, help="Ask for the Ray cluster's token, or read it from input."
)
@click.option("--max-nodes", type=int, default=4, show_default=True, help="Nodes at most.")
@click.option("--min-nodes", type=int, default=0, show_default=True, help="Nodes that stay when idle.")
@click.option(
    "--idle-seconds", type=float, default=120.0, show_default=True, help="After which an idle node leaves."
)
@shape_options
@json_option
def attach_ray(
    name: str,
    address: str,
    asks_token: bool,
    max_nodes: int,
    min_nodes: int,
    idle_seconds: float,
    as_json: bool,
    **shape: Any,
) -> None:
    """Attach the Ray cluster whose dashboard is at ADDRESS as NAME; again: change how it is attached."""
    from faena.client.compute.ray_cluster import RayCluster

    session = opened()
    RayCluster.attach(
        session,
        name,
        address=address,
        token=token_of(f"the Ray cluster for {name}") if asks_token else None,
        max_nodes=max_nodes,
        min_nodes=min_nodes,
        idle_seconds_before_scaledown=idle_seconds,
        **shape_of(shape),
    )
    made = session.api.cluster(name)
    print_json(made) if as_json else click.echo(f"{name} is attached: up to {max_nodes} nodes of {address}.")


def _resource(given: str) -> tuple[str, float]:
    name, _, amount = given.partition("=")
    try:
        return name, float(amount)
    except ValueError:
        raise UserErrorException(f"{given[:80]!a} is no resource. Give it as NAME=AMOUNT.") from None


def token_of(cluster: str) -> str:
    """Asked for, or read from standard input."""
    if sys.stdin.isatty():
        return str(click.prompt(f"Token of {cluster}", hide_input=True)).strip()
    return sys.stdin.read(1 << 14).strip()
