"""HyperDriveConfig: a run to be tried again and again with other parameters, in v1's words."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from faena.client.submission.estimator import Estimator
from faena.client.submission.script_run_config import ScriptRunConfig
from faena.client.sweeps.policies import EarlyTerminationPolicy, NoTerminationPolicy
from faena.client.sweeps.samplings import HyperParameterSampling, as_texts
from faena.client.wire import shown
from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import HYPERDRIVE, Submission
from faena.script.messages import warn_caller
from faena.sweeps.arguments import bare
from faena.sweeps.checks import check
from faena.sweeps.schemas import LONGEST_MINUTES, Goal, Objective, Retries, SweepSpec


class PrimaryMetricGoal(Enum):
    """Which way the primary metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


_GOALS: dict[PrimaryMetricGoal, Goal] = {
    PrimaryMetricGoal.MAXIMIZE: "maximize",
    PrimaryMetricGoal.MINIMIZE: "minimize",
}


class HyperDriveConfig:
    """A sweep: what Experiment.submit runs once for each choice of parameters.

    Exactly one of `estimator` and `run_config`, a ScriptRunConfig, says what a trial runs; its arguments are followed
    by the parameters of the trial, which win over arguments of the same name. `max_concurrent_runs`: default:
    `max_total_runs`; the cluster's nodes bound it anyhow. `max_duration_minutes`: a week at most, which is the
    default. `policy`: default: every trial runs to its end.

    `metrics`: more metrics to tune for, `{"latency": PrimaryMetricGoal.MINIMIZE}`; `metric_constraints`: conditions
    on metrics, such as `"latency <= 10"`, which the best trial fulfils. `value`: which logged value of a metric counts,
    the "best", v1's and the default, or the "last", the default of population based training. `repeats`: trials of
    each choice, ranked by their mean. `stop_at`: a value of the primary metric that is good enough. `patience`: the
    sweep ends when so many trials in a row brought nothing better.
    `fail_fast`: it ends when its first three trials fail alike. `retry_node_lost`, `retry_out_of_memory` and
    `retry_failed`: how often a trial goes again after each. `keep_outputs`: only so many trials, the best, keep what
    they left in `outputs`. `resume_from`: sweeps, or their ids, whose trials this one knows; `resume_child_runs`:
    trials whose parameters it tries again, first. `warm`: trials start as forks of an interpreter that has their
    packages loaded (docs/warm-interpreters.md).

    Raises UserErrorException that names what cannot be meant, parameters of the space among it.
    """

    run_type: ClassVar[str] = HYPERDRIVE

    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: float = LONGEST_MINUTES,
        policy: EarlyTerminationPolicy | None = None,
        estimator: Estimator | None = None,
        run_config: ScriptRunConfig | None = None,
        pipeline: Any = None,
        resume_from: Any = None,
        resume_child_runs: Any = None,
        *,
        metrics: Mapping[str, PrimaryMetricGoal] | None = None,
        metric_constraints: Sequence[str] = (),
        value: Literal["best", "last"] | None = None,
        repeats: int = 1,
        stop_at: float | None = None,
        patience: int | None = None,
        fail_fast: bool = True,
        retry_node_lost: int = 3,
        retry_out_of_memory: int = 0,
        retry_failed: int = 0,
        keep_outputs: int | None = None,
        warm: bool = False,
    ) -> None:
        if pipeline is not None:
            raise UserErrorException(
                "A pipeline cannot be tuned here. Give an estimator or a ScriptRunConfig."
            )
        if (estimator is None) == (run_config is None):
            raise UserErrorException("A HyperDriveConfig needs either estimator or run_config, and not both.")
        self.run_config = self._described(estimator, run_config)
        if not isinstance(hyperparameter_sampling, HyperParameterSampling):
            raise UserErrorException(
                f"hyperparameter_sampling is {shown(hyperparameter_sampling)}. Use a sampling, such as "
                "RandomParameterSampling({'--lr': uniform(0, 1)})."
            )
        if policy is not None and not isinstance(policy, EarlyTerminationPolicy):
            raise UserErrorException(
                f"policy is {shown(policy)}. Use a policy, such as BanditPolicy(slack_factor=0.1)."
            )
        max_total_runs = _whole("max_total_runs", max_total_runs)
        if max_concurrent_runs is not None:
            max_concurrent_runs = _whole("max_concurrent_runs", max_concurrent_runs)
        if (
            max_duration_minutes is not None
            and _number("max_duration_minutes", max_duration_minutes) > LONGEST_MINUTES
        ):
            warn_caller(
                f"max_duration_minutes is {max_duration_minutes:g}; {LONGEST_MINUTES:g}, a week, is taken instead."
            )
            max_duration_minutes = LONGEST_MINUTES
        self.warm = bool(warm)
        self.hyperparameter_sampling = hyperparameter_sampling
        self.policy = policy or NoTerminationPolicy()
        self.estimator = estimator
        self.spec = SweepSpec(
            space=hyperparameter_sampling.parameter_space,
            sampling=hyperparameter_sampling.sampling,
            constraints=as_texts(hyperparameter_sampling.constraints),
            objectives=_objectives(primary_metric_name, primary_metric_goal, metrics or {}),
            policy=self.policy.policy,
            max_total_runs=max_total_runs,
            max_concurrent_runs=max_total_runs if max_concurrent_runs is None else max_concurrent_runs,
            max_duration_minutes=LONGEST_MINUTES if max_duration_minutes is None else max_duration_minutes,
            metric_constraints=tuple(metric_constraints),
            value=value or _counting(hyperparameter_sampling),
            repeats=repeats,
            stop_at=stop_at,
            patience=patience,
            fail_fast=fail_fast,
            retries=Retries(retry_node_lost, retry_out_of_memory, retry_failed),
            keep_outputs=keep_outputs,
            resume_from=_ids("resume_from", resume_from),
            resume_child_runs=_ids("resume_child_runs", resume_child_runs),
        )
        try:
            msgspec.convert(msgspec.to_builtins(self.spec), SweepSpec)
        except (msgspec.ValidationError, TypeError) as error:
            raise UserErrorException(f"The sweep cannot be described: {error}.") from None
        check(self.spec)

    @staticmethod
    def _described(estimator: Any, run_config: Any) -> ScriptRunConfig:
        if estimator is not None:
            if not isinstance(estimator, Estimator):
                raise UserErrorException(
                    f"estimator is {shown(estimator)}. Use an Estimator, such as Chainer(…)."
                )
            return estimator.override()
        if not isinstance(run_config, ScriptRunConfig):
            raise UserErrorException(f"run_config is {shown(run_config)}. Use a ScriptRunConfig.")
        return run_config

    @property
    def source_directory(self) -> Path:
        return self.run_config.source_directory

    @property
    def primary_metric_name(self) -> str:
        return self.spec.objectives[0].name

    @property
    def primary_metric_goal(self) -> PrimaryMetricGoal:
        return PrimaryMetricGoal(self.spec.objectives[0].goal)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.hyperparameter_sampling!r}, {self.primary_metric_name!r}, "
            f"{self.primary_metric_goal}, max_total_runs={self.spec.max_total_runs}, "
            f"max_concurrent_runs={self.spec.max_concurrent_runs}, policy={self.policy!r})"
        )

    def submission(self, **given: Any) -> Submission:
        """What each trial is submitted with; its parameters come after the arguments."""
        found = self.run_config.submission(**given)
        arguments = self._without_sampled(found.arguments)
        return msgspec.structs.replace(found, arguments=arguments, warm=found.warm or self.warm)

    def _without_sampled(self, arguments: Sequence[str]) -> tuple[str, ...]:
        sampled = set(self.hyperparameter_sampling.space.parameters)
        if (population := self.spec.sampling.population) is not None:
            sampled.add(bare(population.checkpoint_argument))
        kept: list[str] = []
        left_out: list[str] = []
        place = 0
        while place < len(arguments):
            name, equals, _ = arguments[place].partition("=")
            place += 1
            if not (name.startswith("-") and bare(name) in sampled):
                kept.append(arguments[place - 1])
                continue
            left_out.append(name)
            if not equals and place < len(arguments) and not _is_name(arguments[place]):
                place += 1
        if left_out:
            warn_caller(
                f"The arguments {', '.join(left_out)} are chosen by the sweep: those of the script are left out."
            )
        return tuple(kept)


def _counting(sampling: HyperParameterSampling) -> Literal["best", "last"]:
    """A member of a population goes on from where it was at the end, not where it was best."""
    return "best" if sampling.sampling.population is None else "last"


def _ids(field: str, given: Any) -> tuple[str, ...]:
    """Of runs or their ids, one of them or several."""
    if given is None:
        return ()
    found = list(given) if isinstance(given, (list, tuple)) else [given]
    named = [getattr(each, "id", each) for each in found]
    for each in named:
        if not isinstance(each, str):
            raise UserErrorException(f"{field} holds {shown(each)}. Give runs, or their ids.")
    return tuple(named)


def _is_name(argument: str) -> bool:
    """Whether it is the next argument's name, and no negative number."""
    return argument.startswith("-") and not argument[1:2].isdigit() and argument[1:2] != "."


def _whole(name: str, given: Any) -> int:
    """Also one of NumPy."""
    try:
        if isinstance(given, bool):
            raise TypeError
        return operator.index(given)
    except TypeError:
        raise UserErrorException(f"{name} is {shown(given)}. Use a whole number.") from None


def _number(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise UserErrorException(f"{name} is {shown(given)}. Use a number.")
    return given


def _objectives(primary: Any, goal: Any, metrics: Any) -> tuple[Objective, ...]:
    if not isinstance(metrics, Mapping):
        raise UserErrorException(
            f"metrics is {shown(metrics)}. Use a dict, such as {{'latency': PrimaryMetricGoal.MINIMIZE}}."
        )
    found = [_objective("primary_metric_name", "primary_metric_goal", primary, goal)]
    found += [
        _objective("A name in metrics", f"metrics[{name!r}]", name, its) for name, its in metrics.items()
    ]
    if primary in metrics:
        raise UserErrorException(
            f"metrics has {primary!r}, which is the primary metric already. Leave it out there: metrics are those "
            "beside it."
        )
    return tuple(found)


def _objective(what: str, whose: str, name: Any, goal: Any) -> Objective:
    if not isinstance(name, str):
        raise UserErrorException(f"{what} is {shown(name)}. Use the name as the script logs it.")
    if not isinstance(goal, PrimaryMetricGoal):
        raise UserErrorException(
            f"{whose} is {shown(goal)}. Use PrimaryMetricGoal.MAXIMIZE or PrimaryMetricGoal.MINIMIZE."
        )
    return Objective(name, _GOALS[goal])
