"""Commands about what persons and experiments may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import rich_click as click

from faena.cli.byte_option import Bytes
from faena.cli.command import group
from faena.cli.common import json_option, opened, print_json
from faena.cli.layout import print_table
from faena.kernel import sizes
from faena.runs.quotas.schemas import QuotaView

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _whose(command: _Command) -> _Command:
    for option in (
        click.option("--everybody", is_flag=True, help="Of each person who has no limit of their own."),
        click.option("--experiment", default="", metavar="NAME", help="Of all runs of an experiment."),
        click.option("--person", default="", metavar="NAME", help="Of all runs of a person."),
    ):
        command = option(command)
    return command


@group()
def quota() -> None:
    """Limit how much of the workspace persons and experiments use."""


@quota.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List who may use how much, and what they use."""
    found = opened().api.quotas.all()
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Nobody has a quota, and nobody has used nodes this month.")
    else:
        _show(found)


@quota.command("set")
@_whose
@click.option("--nodes", type=click.IntRange(0), metavar="N", help="At once, on all clusters together.")
@click.option("--node-hours", type=click.FloatRange(0), metavar="HOURS", help="In a calendar month of UTC.")
@click.option("--bytes", "kept", type=Bytes(), help="Kept of runs, such as 200GB.")
@json_option
def set_(
    person: str,
    experiment: str,
    everybody: bool,
    nodes: int | None,
    node_hours: float | None,
    kept: int | None,
    as_json: bool,
) -> None:
    """Set limits. Those that are not named stay as they are. For owners.

    Runs wait while a limit of nodes or hours is reached; who keeps as many bytes as they may adds no more. What goes
    on is not stopped.
    """
    if nodes is None and node_hours is None and kept is None:
        raise click.UsageError("Say what is limited: --nodes, --node-hours or --bytes.")
    made = opened().api.quotas.set(
        person=person,
        experiment=experiment,
        everybody=everybody,
        nodes=nodes,
        node_hours=node_hours,
        bytes=kept,
    )
    print_json(made) if as_json else _show([made])


@quota.command()
@_whose
@click.argument("limits", nargs=-1, type=click.Choice(["nodes", "node-hours", "bytes"]))
@json_option
def lift(person: str, experiment: str, everybody: bool, limits: tuple[str, ...], as_json: bool) -> None:
    """Have LIMITS no more; none named: all limits. For owners."""
    names = [each.replace("-", "_") for each in limits]
    made = opened().api.quotas.lift(*names, person=person, experiment=experiment, everybody=everybody)
    print_json(made) if as_json else _show([made])


def _show(found: Sequence[QuotaView]) -> None:
    titles = ["Of", "Nodes at once", f"Node-hours {found[0].month}", "Bytes"]
    print_table(
        titles,
        [
            [_owner(each), _of(each, "nodes"), _of(each, "node_hours"), _of(each, "bytes", _size)]
            for each in found
        ],
    )


def _owner(view: QuotaView) -> str:
    if not view.name:
        return "everybody"
    return f"experiment {view.name}" if view.kind == "experiment" else view.name


def _of(view: QuotaView, name: str, show: Callable[[Any], str] = "{:,g}".format) -> str:
    limit, used = getattr(view.applies, name), getattr(view.used, name)
    most = "no limit" if limit is None else show(limit)
    return most if used is None else f"{show(used)} of {most}"


def _size(value: float) -> str:
    return sizes.shown(int(value))


COMMANDS = (quota,)
