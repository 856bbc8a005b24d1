"""`faena drill`: kills real runs, in a workspace made for it, and shows that nothing is lost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli.command import command
from faena.cli.common import json_option, print_json
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.health.drill.drill import Outcome


@command(workspace=False)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=20,
    show_default=True,
    help="Time that kills fall into.",
)
@click.option("--kills", type=click.IntRange(1, 1000), default=6, show_default=True, help="How many.")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Draw the same moments again (default: drawn and told)."
)
@click.option("--history", type=click.IntRange(0, 1_000_000), default=0, help="Runs that are there before.")
@click.option("--keep", is_flag=True, help="Leave the sandbox, and say where it is.")
@json_option
def drill(seconds: float, kills: int, seed: int | None, history: int, keep: bool, as_json: bool) -> None:
    """Kill server, runner, script, client and joined nodes of real runs and sweeps, in a sandbox; count what is lost.

    Exit code 1: any.
    """
    import secrets

    from faena.health.drill.drill import Drill, Plan
    from faena.health.drill.sandbox import Sandbox

    plan = Plan(seconds, kills, secrets.randbits(32) if seed is None else seed, history)
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


def _show(outcome: Outcome) -> None:
    from faena.testing.kills.table import render

    click.echo(render(outcome.rows))
    if outcome.history:
        click.echo(f"history: {outcome.history}")
    for pid in outcome.left:
        click.echo(f"LEFT process {pid}")
    verdict = "nothing lost, doubled, wrong or left" if outcome.is_clean else "NOT CLEAN"
    runs = f"{counted(outcome.runs, 'run')}, {counted(outcome.far, 'run')} on joined nodes"
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
        "victims": [row.record() for row in outcome.rows],
        "history": outcome.history or None,
        "left": outcome.left,
        "sandbox": sandbox,
    }


def _silent(_: str) -> None:
    """Only the answer is printed."""


COMMANDS = (drill,)
