"""The configuration of a sweep that options or a file mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faena.cli.command import Unreadable
from faena.cli.naming import id_of, sweep_of
from faena.cli.sweeps.asked import WEEK, SweepOptions, readable
from faena.kernel.errors import UserErrorException

if TYPE_CHECKING:
    from faena.client.submission.estimator import Estimator
    from faena.client.sweeps.config import HyperDriveConfig
    from faena.client.sweeps.policies import EarlyTerminationPolicy
    from faena.client.sweeps.samplings import HyperParameterSampling
    from faena.client.workspace import Workspace
    from faena.sweeps.schemas import Policy

_OF_PBT = (
    "population",
    "checkpoint_argument",
    "quantile_fraction",
    "resample_probability",
    "perturbation_factors",
)


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
            WEEK if options.max_minutes is None else options.max_minutes,
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
