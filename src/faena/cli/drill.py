"""`faena drill`: kills real runs, in a workspace made for it, and shows that nothing is lost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, print_json
from faena.cli.ray_clusters import token_of
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.health.drill.drill import Outcome
    from faena.health.drill.raying import RayCluster

_KILLS, _KILLS_WITH_RAY = 6, 10


@command(workspace=False)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=20,
    show_default=True,
    help="Time that kills fall into.",
)
@click.option(
    "--kills", type=click.IntRange(1, 1000), help="How many (default: 6; 10 with --ray, one of each kind)."
)
@click.option(
    "--seed", type=click.IntRange(min=0), help="Draw the same moments again (default: drawn and told)."
)
@click.option("--history", type=click.IntRange(0, 1_000_000), default=0, help="Runs that are there before.")
@click.option(
    "--ray", metavar="URL", default="", help="Runs on this Ray cluster, too: its dashboard, http://head:8265."
)
@click.option(
    "--token", "asks_token", is_flag=True, help="Ask for the Ray cluster's token, or read it from input."
)
@click.option(
    "--address",
    default="",
    help="Where its nodes reach this machine (default: as it sees itself from there).",
)
@click.option("--keep", is_flag=True, help="Leave the sandbox, and say where it is.")
@json_option
def drill(
    seconds: float,
    kills: int | None,
    seed: int | None,
    history: int,
    ray: str,
    asks_token: bool,
    address: str,
    keep: bool,
    as_json: bool,
) -> None:
    """Kill server, runner, script, client and joined nodes of real runs and sweeps, in a sandbox; count what is lost.

    With --ray also what there is of Faena's in a Ray cluster: bridge, runner, guard and script. Exit code 1: any.
    """
    import secrets

    from faena.health.drill.drill import Drill, Plan
    from faena.health.drill.sandbox import Sandbox

    if not ray and (asks_token or address):
        raise click.UsageError(f"{'--token' if asks_token else '--address'} is of --ray.")
    cluster = _ray_cluster(ray, address, asks_token=asks_token) if ray else None
    drawn = secrets.randbits(32) if seed is None else seed
    plan = Plan(seconds, kills or (_KILLS_WITH_RAY if ray else _KILLS), drawn, history, cluster)
    sandbox = Sandbox.make()
    try:
        tell = _silent if as_json else click.echo
        tell(f"seed {plan.seed}, sandbox {sandbox.base}")
        outcome = Drill(plan, sandbox, tell).run()
    finally:
        sandbox.clear()
        if not keep:
            sandbox.remove()
    if as_json:
        print_json(_as_json(outcome, plan.seed, str(sandbox.base) if keep else None))
    else:
        _show(outcome)
        if keep:
            click.echo(f"The sandbox is left in {sandbox.base}.")
    sys.exit(0 if outcome.is_clean else 1)


def _ray_cluster(ray: str, address: str, *, asks_token: bool) -> RayCluster:
    """Raises ComputeTargetException, before anything is started, where no Ray cluster answers."""
    from faena.health.drill.raying import RayCluster

    return RayCluster.reached(ray, token_of(f"the Ray cluster at {ray}") if asks_token else None, address)


def _show(outcome: Outcome) -> None:
    from faena.testing.kills.table import render

    click.echo(render(outcome.rows))
    if outcome.history:
        click.echo(f"history: {outcome.history}")
    for pid in outcome.left:
        click.echo(f"LEFT process {pid}")
    verdict = "nothing lost, doubled, wrong or left" if outcome.is_clean else "NOT CLEAN"
    runs = f"{counted(outcome.runs, 'run')}, {counted(outcome.far, 'run')} on joined nodes"
    if outcome.on_ray:
        runs += f", {counted(outcome.on_ray, 'run')} on the Ray cluster"
    sweeps = f"{counted(outcome.sweeps, 'sweep')} of {counted(outcome.trials, 'trial')}"
    click.echo(f"{counted(outcome.kills, 'kill')}, {runs}, {sweeps}, {outcome.seconds:.0f} s: {verdict}")


def _as_json(outcome: Outcome, seed: int, sandbox: str | None) -> dict[str, Any]:
    return {
        "clean": outcome.is_clean,
        "seed": seed,
        "seconds": round(outcome.seconds, 3),
        "kills": outcome.kills,
        "runs": outcome.runs,
        "sweeps": outcome.sweeps,
        "trials": outcome.trials,
        "far": outcome.far,
        "on_ray": outcome.on_ray,
        "victims": [row.record() for row in outcome.rows],
        "history": outcome.history or None,
        "left": outcome.left,
        "sandbox": sandbox,
    }


def _silent(_: str) -> None:
    """Only the answer is printed."""


COMMANDS = (drill,)
