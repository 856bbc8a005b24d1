"""v1's HyperDriveConfig: Faena's, with what v1 refused and warned of."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from faena.client.sweeps import config as faena
from faena.client.sweeps import samplings
from faena.client.sweeps.policies import (
    AshaPolicy,
    BanditPolicy,
    EarlyTerminationPolicy,
    HyperbandPolicy,
    MedianStoppingPolicy,
    NoTerminationPolicy,
    TruncationSelectionPolicy,
)
from faena.client.sweeps.samplings import HyperParameterSampling, RandomParameterSampling
from faena.client.wire import shown
from faena.kernel.errors import UserErrorException
from faena.script.messages import warn_caller
from faena.sweeps.schemas import SweepSpec
from faena_azureml.hyperdrive.samplings import BayesianParameterSampling, GridParameterSampling
from faena_azureml.not_covered import not_covered

if TYPE_CHECKING:
    from faena.client.submission.estimator import Estimator
    from faena.client.submission.script_run_config import ScriptRunConfig

PrimaryMetricGoal = faena.PrimaryMetricGoal

_RUNS_A_PARAMETER = 20
_LEARNERS_AT_ONCE = 20

_SAMPLINGS: dict[str, type[HyperParameterSampling]] = {
    "random": RandomParameterSampling,
    "grid": GridParameterSampling,
    "bayesian": BayesianParameterSampling,
    "sobol": samplings.SobolParameterSampling,
    "cmaes": samplings.CmaEsParameterSampling,
    "nsga2": samplings.Nsga2ParameterSampling,
    "pbt": samplings.PopulationBasedTraining,
}
_POLICIES: dict[str, type[EarlyTerminationPolicy]] = {
    "none": NoTerminationPolicy,
    "bandit": BanditPolicy,
    "median": MedianStoppingPolicy,
    "truncation": TruncationSelectionPolicy,
    "asha": AshaPolicy,
    "hyperband": HyperbandPolicy,
}


class HyperDriveConfig(faena.HyperDriveConfig):
    """A sweep: what Experiment.submit runs once for each choice of parameters; see `faena.HyperDriveConfig`.

    `resume_from`: HyperDriveRuns whose trials it learns from. `resume_child_runs`: trials whose parameters it tries
    again, first; their scripts start afresh and get no `--resume-from`. `settings`: what faena's has beyond v1's, such
    as `patience=10`. As in v1, trials that fail end no sweep, which `fail_fast=True` asks for.

    Raises AttributeError for a goal that is no PrimaryMetricGoal, NotCovered for `pipeline` and `custom_run_id`, and
    UserErrorException for what else cannot be meant: Bayesian sampling with a policy among it, which
    `faena.HyperDriveConfig` takes.
    """

    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: float = 10080,
        policy: EarlyTerminationPolicy | None = None,
        estimator: Estimator | None = None,
        run_config: ScriptRunConfig | None = None,
        resume_from: Any = None,
        resume_child_runs: Any = None,
        pipeline: Any = None,
        debug_flag: Any = None,
        custom_run_id: str | None = None,
        **settings: Any,
    ) -> None:
        if not isinstance(primary_metric_goal, PrimaryMetricGoal):
            raise AttributeError(
                f"{type(primary_metric_goal).__name__!r} object has no attribute 'name': primary_metric_goal is "
                f"{shown(primary_metric_goal)}. Use PrimaryMetricGoal.MAXIMIZE or PrimaryMetricGoal.MINIMIZE."
            )
        for name, given in (("pipeline", pipeline), ("custom_run_id", custom_run_id)):
            if given is not None:
                raise not_covered(f"azureml.train.hyperdrive.HyperDriveConfig.{name}")
        if debug_flag is not None:
            warn_caller("debug_flag has no effect here.")
        super().__init__(
            hyperparameter_sampling,
            primary_metric_name,
            primary_metric_goal,
            max_total_runs,
            max_concurrent_runs,
            max_duration_minutes,
            policy,
            estimator,
            run_config,
            resume_from=resume_from,
            resume_child_runs=resume_child_runs,
            **{"fail_fast": False, **settings},
        )
        self.resume_from = resume_from
        self.resume_child_runs = resume_child_runs
        if isinstance(hyperparameter_sampling, BayesianParameterSampling):
            self._check_bayesian()

    def _check_bayesian(self) -> None:
        if self.policy.policy.kind != "none":
            raise UserErrorException(
                f"{type(self.policy).__name__} cannot be used with BayesianParameterSampling. Leave the policy out, "
                "use RandomParameterSampling, or faena.HyperDriveConfig with faena.BayesianParameterSampling."
            )
        wanted = _RUNS_A_PARAMETER * len(self.hyperparameter_sampling.parameter_space)
        if self.spec.max_total_runs < wanted:
            warn_caller(
                f"max_total_runs is {self.spec.max_total_runs}. Bayesian sampling is best with {wanted} or more: "
                f"{_RUNS_A_PARAMETER} for each parameter."
            )
        if self.spec.max_concurrent_runs > _LEARNERS_AT_ONCE:
            warn_caller(
                f"max_concurrent_runs is {self.spec.max_concurrent_runs}. Bayesian sampling learns most from runs that "
                f"have ended: {_LEARNERS_AT_ONCE} at once or fewer are best."
            )

    @classmethod
    def of_spec(cls, spec: SweepSpec) -> Self:
        """What a sweep was begun with, as the workspace has it: without its estimator or run_config."""
        made = cls.__new__(cls)
        made.spec = spec
        made.hyperparameter_sampling = _sampling_of(spec)
        made.policy = _policy_of(spec)
        made.resume_from, made.resume_child_runs = list(spec.resume_from), list(spec.resume_child_runs)
        made.estimator = made.run_config = None  # type: ignore[assignment]  # nobody knows them any more
        return made


class HyperDriveRunConfig(HyperDriveConfig):
    """v1's older name of HyperDriveConfig, with the estimator first."""

    def __init__(
        self,
        estimator: Estimator,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: float = 10080,
        policy: EarlyTerminationPolicy | None = None,
    ) -> None:
        warnings.warn(
            "HyperDriveRunConfig is deprecated. Use HyperDriveConfig(estimator=…) instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        super().__init__(
            hyperparameter_sampling,
            primary_metric_name,
            primary_metric_goal,
            max_total_runs,
            max_concurrent_runs,
            max_duration_minutes,
            policy,
            estimator,
        )


def _sampling_of(spec: SweepSpec) -> HyperParameterSampling:
    kind = _SAMPLINGS[spec.sampling.kind]
    made = kind.__new__(kind)
    HyperParameterSampling.__init__(made, spec.space, seed=spec.sampling.seed, constraints=spec.constraints)
    if isinstance(made, samplings.BayesianParameterSampling):
        made.model = spec.sampling.model
    if isinstance(made, samplings.Nsga2ParameterSampling):
        made.population_size = spec.sampling.population_size
    if isinstance(made, samplings.PopulationBasedTraining) and spec.sampling.population is not None:
        made.population = spec.sampling.population
    return made


def _policy_of(spec: SweepSpec) -> EarlyTerminationPolicy:
    kind = _POLICIES[spec.policy.kind]
    made = kind.__new__(kind)
    made.policy = spec.policy
    return made
