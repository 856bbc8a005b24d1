"""What a sweep searches and how: the options of `faena sweep`, and the configuration that they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import rich_click as click

from faena.cli.command import Unreadable
from faena.cli.naming import complete_sweeps, id_of, sweep_of
from faena.kernel.errors import TrainingException, UserErrorException

if TYPE_CHECKING:
    from faena.client.submission.estimator import Estimator
    from faena.client.sweeps.config import HyperDriveConfig
    from faena.client.sweeps.policies import EarlyTerminationPolicy
    from faena.client.sweeps.samplings import HyperParameterSampling
    from faena.client.workspace import Workspace
    from faena.sweeps.schemas import Policy

SAMPLINGS = ("random", "grid", "sobol", "bayesian", "cmaes", "nsga2", "pbt")
_OF_PBT = (
    "population",
    "checkpoint_argument",
    "quantile_fraction",
    "resample_probability",
    "perturbation_factors",
)
_WEEK = 10080.0
_OURS = {
    "max_total_runs": "trials",
    "max_concurrent_runs": "at_once",
    "max_duration_minutes": "max_minutes",
    "primary_metric_name": "metric",
    "population_size": "population",
    "retries of node_lost": "retry_node_lost",
    "retries of out_of_memory": "retry_out_of_memory",
    "retries of failed": "retry_failed",
    "fail_fast=False": "--no-fail-fast",
    "fail_fast=True": "--fail-fast",
}
"""What messages of handles call something, and what it is called here."""


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """As they were given; names are those of the options."""

    space: dict[str, Any]
    """In v1's form."""
    constraints: tuple[str, ...]
    metric: str | None
    goal: str
    metrics: dict[str, str]
    metric_constraints: tuple[str, ...]
    sampling: str
    model: str
    seed: int | None
    population: int | None
    checkpoint_argument: str | None
    quantile_fraction: float | None
    resample_probability: float | None
    perturbation_factors: tuple[float, float] | None
    policy: str | Policy | None
    trials: int | None
    at_once: int | None
    max_minutes: float | None
    value: str | None
    repeats: int
    stop_at: float | None
    patience: int | None
    fail_fast: bool
    retry_node_lost: int
    retry_out_of_memory: int
    retry_failed: int
    keep_outputs: int | None
    resume_from: tuple[str, ...]
    resume_child_runs: tuple[str, ...]


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
    type=click.FloatRange(0, _WEEK, min_open=True),
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


def in_our_words(message: str) -> str:
    """What a handle or the server says, by the names of options."""
    for theirs, ours in _OURS.items():
        message = message.replace(theirs, ours)
    return message


@contextmanager
def readable(field: str = "") -> Iterator[None]:
    """Around what makes a description of what was given: what is wrong with it is an error of the command line."""
    try:
        yield
    except (UserErrorException, TrainingException, ValueError) as error:
        message = in_our_words(
            str(getattr(error, "message", "") or error).removeprefix("UserErrorException: ")
        )
        word, _, rest = message.partition(" ")
        if word in SweepOptions.__slots__:
            raise Unreadable(f"--{word.replace('_', '-')} {rest}", word) from None
        raise Unreadable(f"{message[:1].upper()}{message[1:]}", field) from None


def check(options: SweepOptions) -> None:
    """What can be seen before a workspace is opened. Raises Unreadable."""
    if not options.space:
        raise Unreadable('The space is empty. Give a parameter: --space "--lr=loguniform(-6,-1)".', "space")
    if not options.metric:
        raise Unreadable("Which metric is to be tuned for? Name it as the script logs it: --metric Accuracy.")
    from faena.sweeps import metric_constraints

    if options.metric in options.metrics:
        raise Unreadable(
            f"The metric {options.metric[:80]!r} is the primary one: leave it out of metrics.", "metrics"
        )
    sampling_of(options)
    policy_of(options)
    trials_of(options)
    with readable("metric_constraints"):
        metric_constraints.parse_all(options.metric_constraints)


def trials_of(options: SweepOptions) -> int:
    """Of a grid all combinations, where none are given."""
    if options.trials is not None:
        return options.trials
    if options.sampling == "grid" and (size := sampling_of(options).space.size):
        return size * options.repeats
    raise Unreadable("How many trials? Give --trials 20, or trials: 20 in a file.")


def sampling_of(options: SweepOptions) -> HyperParameterSampling:
    from faena.client.sweeps import samplings
    from faena.sweeps.samplings import check as check_sampling
    from faena.sweeps.space import Space

    kinds: dict[str, type[HyperParameterSampling]] = {
        each.kind: each
        for each in (
            samplings.RandomParameterSampling,
            samplings.GridParameterSampling,
            samplings.SobolParameterSampling,
            samplings.BayesianParameterSampling,
            samplings.CmaEsParameterSampling,
            samplings.Nsga2ParameterSampling,
            samplings.PopulationBasedTraining,
        )
    }
    further: dict[str, Any] = {"model": options.model} if options.sampling == "bayesian" else {}
    if options.model != "tpe" and not further:
        raise Unreadable(
            f"{options.model!r} is what bayesian learns with, and the sampling is {options.sampling}.",
            "model",
        )
    further |= _population(options)
    with readable("space"):
        Space.parse(options.space)
    with readable("constraints"):
        made = kinds[options.sampling](
            options.space, seed=options.seed, constraints=options.constraints, **further
        )
    with readable("sampling"):
        check_sampling(made.space, made.sampling)
    return made


def _population(options: SweepOptions) -> dict[str, Any]:
    """What a sampling with a population is given. Raises Unreadable where it is another's, or lacks something."""
    given = {name: value for name in _OF_PBT if (value := getattr(options, name)) is not None}
    if options.sampling != "pbt":
        for name in given:
            if (options.sampling, name) != ("nsga2", "population"):
                whose = "pbt and nsga2" if name == "population" else "pbt"
                raise Unreadable(f"{name} is of {whose}, and the sampling is {options.sampling}.", name)
        return {"population_size": given["population"]} if given else {}
    if "population" not in given:
        raise Unreadable(
            "How many members has the population? Give --population 8, or population: 8 in a file."
        )
    if "checkpoint_argument" not in given:
        raise Unreadable(
            "Which argument tells the script where its checkpoint is? Give --checkpoint-argument --checkpoint-dir, or "
            "checkpoint_argument: --checkpoint-dir in a file."
        )
    return given


def policy_of(options: SweepOptions) -> EarlyTerminationPolicy | None:
    from faena.client.sweeps.policies import EarlyTerminationPolicy
    from faena.sweeps.policies import check as check_policy

    if options.policy is None:
        return None
    with readable("policy"):
        found = _policy(options.policy) if isinstance(options.policy, str) else options.policy
        check_policy(found)
        made = EarlyTerminationPolicy()
        made.policy = found
        return made


def _policy(text: str) -> Policy:
    """`bandit(slack_factor=0.1)`. Raises UserErrorException."""
    import msgspec

    from faena.kernel.nearest import nearest
    from faena.sweeps.expression_text import parse_call
    from faena.sweeps.policy_fields import FIELDS
    from faena.sweeps.schemas import Policy

    kind, given = parse_call(text, "The policy")
    if kind not in FIELDS:
        near = nearest(kind.removesuffix("Policy"), FIELDS)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Use one of {', '.join(FIELDS)}."
        raise UserErrorException(f"There is no policy {kind[:80]!r}. {hint}")
    known = (*FIELDS[kind], "stop_on_nan")
    for name in given:
        if name not in Policy.__struct_fields__ or name == "kind":
            near = nearest(name, known)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"It has {', '.join(known)}."
            raise UserErrorException(f"The policy {kind} has no field {name[:80]!r}. {hint}")
    try:
        return msgspec.convert({"kind": kind, **given}, Policy)
    except msgspec.ValidationError as error:
        raise UserErrorException(f"The policy {kind} cannot be used: {error}.") from None


def config_of(current: Workspace, estimator: Estimator, options: SweepOptions) -> HyperDriveConfig:
    """Raises Unreadable, and what `sweep_of` and `id_of` raise."""
    from faena.client.sweeps.config import HyperDriveConfig, PrimaryMetricGoal

    goals: Mapping[str, PrimaryMetricGoal] = {
        name: PrimaryMetricGoal(goal) for name, goal in options.metrics.items()
    }
    resume_from = [sweep_of(current.api, each) for each in options.resume_from]
    again = [id_of(current.api, each) for each in options.resume_child_runs]
    with readable():
        return HyperDriveConfig(
            sampling_of(options),
            options.metric or "",
            PrimaryMetricGoal(options.goal),
            trials_of(options),
            options.at_once,
            _WEEK if options.max_minutes is None else options.max_minutes,
            policy_of(options),
            estimator=estimator,
            resume_from=resume_from or None,
            resume_child_runs=again or None,
            metrics=goals,
            metric_constraints=options.metric_constraints,
            value="last" if options.value == "last" else "best",
            repeats=options.repeats,
            stop_at=options.stop_at,
            patience=options.patience,
            fail_fast=options.fail_fast,
            retry_node_lost=options.retry_node_lost,
            retry_out_of_memory=options.retry_out_of_memory,
            retry_failed=options.retry_failed,
            keep_outputs=options.keep_outputs,
        )
