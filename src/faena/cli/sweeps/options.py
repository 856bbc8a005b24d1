"""What a sweep searches and how: the options of `faena sweep`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any

import rich_click as click

from faena.cli.command import Unreadable
from faena.cli.naming import complete_sweeps
from faena.cli.sweeps.asked import WEEK, SweepOptions, readable

SAMPLINGS = ("random", "grid", "sobol", "bayesian", "cmaes", "nsga2", "pbt")


def space_of(given: tuple[str, ...]) -> dict[str, Any]:
    """`--lr=loguniform(-6,-1)` each. Raises Unreadable."""
    from faena.sweeps import expression_text

    found: dict[str, Any] = {}
    for each in given:
        name, equals, text = each.partition("=")
        name = name.strip()
        if not equals or not name:
            raise Unreadable(
                f"--space {each[:80]!r} is no parameter with its expression. Use NAME=EXPRESSION, such as "
                '--space "--lr=loguniform(-6,-1)".'
            )
        if any(name.lstrip("-") == other.lstrip("-") for other in found):
            raise Unreadable(f"--space: parameter {name!r} is given twice. Leave one out.")
        with readable():
            found[name] = expression_text.parse(name, text)
    return found


def _goals(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, equals, goal = each.rpartition("=")
        if not equals or goal not in ("maximize", "minimize"):
            raise Unreadable(f"--metrics {each[:80]!r}: use NAME=maximize or NAME=minimize.")
        if name in found:
            raise Unreadable(f"--metrics: {name!r} is given twice. Leave one out.")
        found[name] = goal
    return found


def _read_space(_: Any, __: Any, given: tuple[str, ...]) -> dict[str, Any]:
    return space_of(given)


def _read_goals(_: Any, __: Any, given: tuple[str, ...]) -> dict[str, str]:
    return _goals(given)


space_option = click.option(
    "--space",
    multiple=True,
    callback=_read_space,
    metavar="NAME=EXPRESSION",
    help="A parameter and what it may be, such as --lr=loguniform(-6,-1); may be repeated.",
)
constraints_option = click.option(
    "--constraint",
    "constraints",
    multiple=True,
    help="A condition over parameters, such as 'batch * layers <= 4096'; may be repeated.",
)
trials_option = click.option("--trials", type=click.IntRange(1), help="Trials in all.")
at_once_option = click.option(
    "--at-once",
    type=click.IntRange(1),
    help="Trials at once, at most (default: as many as the cluster has nodes).",
)
max_minutes_option = click.option(
    "--max-minutes",
    type=click.FloatRange(0, WEEK, min_open=True),
    help="Stop the sweep after so many minutes (default: a week).",
)

_RETRY = click.IntRange(0)
_OPTIONS = (
    space_option,
    constraints_option,
    click.option("--metric", help="The primary metric, as the script logs it."),
    click.option(
        "--maximize/--minimize", "goal", default=True, help="Which way it is better (default: --maximize)."
    ),
    click.option(
        "--metrics",
        multiple=True,
        callback=_read_goals,
        metavar="NAME=GOAL",
        help="One more metric to tune for: latency=minimize; may be repeated.",
    ),
    click.option(
        "--metric-constraint",
        "metric_constraints",
        multiple=True,
        help="A condition over metrics that the best trial fulfils: 'latency <= 10'; may be repeated.",
    ),
    click.option(
        "--sampling",
        type=click.Choice(SAMPLINGS),
        default="random",
        show_default=True,
        help="How parameters are chosen.",
    ),
    click.option(
        "--model",
        type=click.Choice(("tpe", "gp")),
        default="tpe",
        show_default=True,
        help="What bayesian learns with.",
    ),
    click.option("--seed", type=int, help="The same one gives the same trials (default: another each time)."),
    click.option(
        "--population",
        type=click.IntRange(2),
        help="pbt: members of the population; nsga2: trials in a generation (default: 50).",
    ),
    click.option(
        "--checkpoint-argument",
        metavar="--NAME",
        help="pbt: the script's argument that names the folder of its checkpoint.",
    ),
    click.option(
        "--quantile-fraction",
        type=float,
        help="pbt: the share that goes on from as many of the best (default: 0.25).",
    ),
    click.option(
        "--resample-probability",
        type=float,
        help="pbt: of drawing a parameter anew instead of perturbing it (default: 0.25).",
    ),
    click.option(
        "--perturbation-factors",
        type=float,
        nargs=2,
        default=None,
        help="pbt: what numbers are multiplied by (default: 0.8 1.2).",
    ),
    click.option(
        "--policy", help="When a trial that falls behind is stopped: 'bandit(slack_factor=0.1)', median, …"
    ),
    trials_option,
    at_once_option,
    max_minutes_option,
    click.option(
        "--value",
        type=click.Choice(("best", "last")),
        help="Which logged value of a metric is a trial's (default: best; of pbt last).",
    ),
    click.option(
        "--repeats", type=click.IntRange(1), default=1, help="Trials of each choice, ranked by their mean."
    ),
    click.option("--stop-at", type=float, help="Done when a trial reaches this value of the metric."),
    click.option(
        "--patience",
        type=click.IntRange(1),
        help="Done when so many trials in a row brought nothing better.",
    ),
    click.option(
        "--fail-fast/--no-fail-fast",
        default=True,
        help="End when the first three trials fail alike (default), or go on.",
    ),
    click.option(
        "--retry-node-lost",
        type=_RETRY,
        default=3,
        show_default=True,
        help="How often a trial goes again whose node was lost.",
    ),
    click.option(
        "--retry-out-of-memory", type=_RETRY, default=0, help="The same after running out of memory."
    ),
    click.option("--retry-failed", type=_RETRY, default=0, help="The same after an error of its script."),
    click.option(
        "--keep-outputs",
        type=click.IntRange(1),
        help="So many trials, the best, keep what they left in outputs (default: all).",
    ),
    click.option(
        "--resume-from",
        multiple=True,
        metavar="SWEEP",
        shell_complete=complete_sweeps,
        help="A sweep to go on from: its trials are known, and none of them is tried again; may be repeated.",
    ),
    click.option(
        "--resume-child",
        "resume_child_runs",
        multiple=True,
        metavar="RUN",
        help="A trial whose parameters are tried again, first; may be repeated.",
    ),
)


def sweep_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command all of them, as its argument `sweep`."""

    @wraps(function)
    def gathered(**given: Any) -> Any:
        given["goal"] = "maximize" if given["goal"] else "minimize"
        options = SweepOptions(**{each.name: given.pop(each.name) for each in fields(SweepOptions)})
        return function(sweep=options, **given)

    for option in reversed(_OPTIONS):
        option(gathered)
    return gathered
