"""Commands about clusters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click
from click import core
from click import globals as current

from faena.cli.command import command, group
from faena.cli.common import json_option, opened, print_json
from faena.cli.ray_clusters import attach_ray, shape_of, shape_options
from faena.compute.kinds import ClusterKind
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.compute.schemas import ClusterView


_OF_RAY = frozenset({"ray_command", "dashboard", "cpus", "gpus", "memory", "resources"})
_OF_STARTED = frozenset({"min_nodes", "idle_seconds"})
"""Options of `create`."""


@command()
@json_option
def clusters(as_json: bool) -> None:
    """List clusters and their nodes."""
    _show(opened().api.clusters(), as_json=as_json)


@group()
def cluster() -> None:
    """Make clusters, resize and delete them."""


@cluster.command("list")
@json_option
def list_clusters(as_json: bool) -> None:
    """List clusters and their nodes."""
    _show(opened().api.clusters(), as_json=as_json)


@cluster.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the cluster NAME and its nodes."""
    found = opened().api.cluster(name)
    print_json(found) if as_json else _show([found], as_json=False)


@cluster.command()
@click.argument("name")
@click.option("--max-nodes", type=int, default=4, show_default=True, help="Nodes at most.")
@click.option("--min-nodes", type=int, default=0, show_default=True, help="Nodes that stay when idle.")
@click.option(
    "--idle-seconds", type=float, default=120.0, show_default=True, help="After which an idle node leaves."
)
@click.option(
    "--cores-per-node",
    type=int,
    help="Threads of a script (default: the machine's cores, shared by the nodes that run at once).",
)
@click.option(
    "--joined", is_flag=True, help="Its nodes are other machines, which join it: `faena node join`."
)
@click.option(
    "--ray-config",
    type=Path,
    help="Start a Ray cluster by `ray up` from this file, and attach it; below: its own.",
)
@click.option(
    "--ray",
    "ray_command",
    default="ray",
    show_default=True,
    help="The program `ray` that does so, of any environment.",
)
@click.option("--dashboard", default="", help="Its address. Default: that of the head, port 8265.")
@shape_options
@json_option
def create(
    name: str,
    max_nodes: int,
    min_nodes: int,
    idle_seconds: float,
    cores_per_node: int | None,
    joined: bool,
    ray_config: Path | None,
    ray_command: str,
    dashboard: str,
    as_json: bool,
    **shape: Any,
) -> None:
    """Make the cluster NAME; making it again in the same shape changes nothing."""
    from faena.client.compute.cluster import Cluster
    from faena.client.compute.joined_cluster import JoinedCluster
    from faena.client.compute.ray_cluster import RayCluster

    if ray_config is not None and (joined or cores_per_node is not None):
        raise click.UsageError("--ray-config goes with neither --joined nor --cores-per-node.")
    if ray_config is None:
        _refuse(_OF_RAY, "of clusters that --ray-config starts, and would change nothing here")
    if joined:
        _refuse(
            _OF_STARTED, "of clusters that start their nodes; those of a joined one come and go by themselves"
        )
    session = opened()
    if ray_config is not None:
        RayCluster.create(
            session,
            name,
            config=ray_config,
            ray_command=ray_command,
            address=dashboard,
            max_nodes=max_nodes,
            min_nodes=min_nodes,
            idle_seconds_before_scaledown=idle_seconds,
            show_output=not as_json,
            **shape_of(shape),
        )
    elif joined:
        JoinedCluster.create(session, name, max_nodes=max_nodes, cores_per_node=cores_per_node)
    else:
        Cluster.create(
            session,
            name,
            max_nodes=max_nodes,
            min_nodes=min_nodes,
            idle_seconds_before_scaledown=idle_seconds,
            cores_per_node=cores_per_node,
        )
    made = session.api.cluster(name)
    print_json(made) if as_json else click.echo(f"{name}: {_shape(made)}.")


def _refuse(names: frozenset[str], why: str) -> None:
    """Raises UsageError where one of these options was given."""
    context = current.get_current_context()
    for option in context.command.params:
        is_given = context.get_parameter_source(str(option.name)) is core.ParameterSource.COMMANDLINE
        if option.name in names and is_given:
            raise click.UsageError(f"{option.opts[0]} is {why}.")


@cluster.command()
@click.argument("name")
@click.option("--max-nodes", type=int, help="Nodes at most.")
@click.option("--min-nodes", type=int, help="Nodes that stay when idle.")
@click.option("--idle-seconds", type=float, help="After which an idle node leaves.")
@json_option
def update(
    name: str, max_nodes: int | None, min_nodes: int | None, idle_seconds: float | None, as_json: bool
) -> None:
    """Resize the cluster NAME; what is not given stays."""
    from faena.client.compute.cluster import Cluster

    if max_nodes is None and min_nodes is None and idle_seconds is None:
        raise click.UsageError("Give --max-nodes, --min-nodes or --idle-seconds.")
    session = opened()
    Cluster(session, name).update(min_nodes, max_nodes, idle_seconds)
    changed = session.api.cluster(name)
    print_json(changed) if as_json else click.echo(f"{name}: {_shape(changed)}.")


@cluster.command()
@click.argument("name")
@click.option(
    "--down", is_flag=True, help="End its Ray cluster as well, by `ray down`, where --ray-config made it."
)
def delete(name: str, down: bool) -> None:
    """Delete the cluster NAME. Refused while a run has one of its nodes."""
    from faena.client.compute.cluster import Cluster
    from faena.client.compute.ray_cluster import RayCluster

    if down:
        RayCluster(opened(), name).delete(down=True)
    else:
        Cluster(opened(), name).delete()
    click.echo(f"{name} is deleted.")


def _shape(found: ClusterView) -> str:
    scale = found.status.scale_settings
    if found.kind == ClusterKind.JOINED:
        return f"up to {counted(scale.max_node_count, 'machine')}, which join it: `faena node token {found.name}`"
    idle = scale.node_idle_time_before_scale_down.removeprefix("PT").removesuffix("S")
    least = (
        f"{found.cores_per_node} or more cores"
        if found.shares_cores
        else counted(found.cores_per_node, "core")
    )
    cores = f"{least} each"
    nodes = f"{scale.min_node_count} to {counted(scale.max_node_count, 'node')}"
    return f"{nodes}, {cores}; an idle one leaves after {counted(int(idle), 'second')}"


def _show(found: list[ClusterView], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    from faena.cli import tables

    tables.clusters(found)


cluster.add_command(attach_ray)

COMMANDS = (clusters, cluster)
