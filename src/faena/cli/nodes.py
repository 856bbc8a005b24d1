"""Commands about nodes on other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.command import command, group
from faena.cli.common import json_option, opened, print_json
from faena.cli.joining import join
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.compute.machines.schemas import MachineView


@command()
@json_option
def nodes(as_json: bool) -> None:
    """List machines that have joined clusters."""
    _show(opened().api.nodes.list(), as_json=as_json)


@group()
def node() -> None:
    """Let other machines join, drain and remove them."""


node.add_command(join)


@node.command("list")
@json_option
def list_nodes(as_json: bool) -> None:
    """List machines that have joined clusters."""
    _show(opened().api.nodes.list(), as_json=as_json)


@node.command("open")
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="Of this host, at which other machines reach it; 0.0.0.0: all.",
)
@click.option("--port", type=int, default=0, help="Default: a free one.")
@click.option("--name", "names", multiple=True, help="By which other machines know this host. Repeatable.")
@click.option("--no-tls", is_flag=True, help="On 127.0.0.1 only, behind a tunnel.")
@json_option
def open_listener(address: str, port: int, names: tuple[str, ...], no_tls: bool, as_json: bool) -> None:
    """Listen for nodes of other machines; also after the next start of the server."""
    from faena.compute.machines.schemas import ListenerRequest

    found = opened().api.nodes.listen(ListenerRequest(address, port, names, not no_tls))
    if as_json:
        print_json(found)
        return
    click.echo(f"Nodes join at {found.url}.")
    if found.fingerprint:
        click.echo(f"SHA-256 of its certificate: {found.fingerprint}")
    click.echo("`faena node token CLUSTER` makes a token to join a cluster with.")


@node.command("close")
def close_listener() -> None:
    """Listen for nodes no more. Those that have joined are lost within a minute."""
    api = opened().api.nodes
    there = [each for each in api.list() if each.state != "away"]
    api.listen_no_more()
    click.echo("Nothing listens for nodes any more.")
    if there:
        busy = sum(each.run_id is not None for each in there)
        runs = f", {busy} with a run, which ends within a minute" if busy else ""
        lose = "loses" if len(there) == 1 else "lose"
        click.echo(
            f"{counted(len(there), 'node')} {lose} the server{runs}; `faena node open` in that place brings it back."
        )


@node.command()
@click.argument("cluster")
@click.option(
    "--days", type=float, default=1.0, show_default=True, help="For which machines can join with it."
)
@json_option
def token(cluster: str, days: float, as_json: bool) -> None:
    """Make a token by which machines join CLUSTER. It is shown once."""
    from faena.compute.machines.schemas import JoinTokenRequest

    found = opened().api.nodes.token(JoinTokenRequest(cluster, days))
    if as_json:
        print_json(found)
        return
    click.echo(f"On the other machine, within {days:g} day{'' if days == 1 else 's'}:\n")
    click.echo(f"  FAENA_TOKEN={found.token} \\\n  faena node join {found.url}")


@node.command()
@click.argument("name")
def drain(name: str) -> None:
    """Have the machine NAME get no more work; its runner leaves when its run has ended."""
    opened().api.nodes.drain(*_parts(name))
    click.echo(f"{name} gets no more work and leaves.")


@node.command()
@click.argument("name")
def remove(name: str) -> None:
    """Forget the machine NAME and its token. Refused while a run has it."""
    opened().api.nodes.remove(*_parts(name))
    click.echo(f"{name} is forgotten: it joins again with a new token only.")


def _parts(name: str) -> tuple[str, str | None]:
    """Of `CLUSTER/NAME`, which tells two machines of one name apart."""
    cluster, _, own = name.rpartition("/")
    return own, cluster or None


def _show(found: list[MachineView], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    from faena.cli.layout import Column, print_table, shortened

    if not found:
        click.echo("No machine has joined. `faena node open`, then `faena node token CLUSTER` let one.")
        return
    columns = {
        "Node": [each.name for each in found],
        "Cluster": [each.cluster for each in found],
        "State": [each.state for each in found],
        "Run": [shortened(each.run_id or "", 80) for each in found],
        "Cores": [str(each.cores) for each in found],
        "GPUs": [str(len(each.gpus) or "") for each in found],
        "Endpoints": [", ".join(each.endpoints) for each in found],
        "Labels": [
            " ".join(f"{key}={value}" for key, value in sorted(each.labels.items())) for each in found
        ],
    }
    told = {
        title: cells for title, cells in columns.items() if any(cells)
    }  # the narrower, the sooner it fits
    shown = [
        Column(each, right=each in ("Cores", "GPUs"), prose=each in ("Labels", "Endpoints")) for each in told
    ]
    print_table(shown, zip(*told.values(), strict=True))
    click.echo(counted(len(found), "machine"))


COMMANDS = (nodes, node)
