"""Wire types of sweeps."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from faena.runs.submission_schemas import Submission

LONGEST_MINUTES = 10080.0
"""v1's: a week."""
DELETED = "Deleted"
"""The status of a trial whose run is not there any more."""

Goal = Literal["maximize", "minimize"]


class Objective(Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that a sweep tunes for, and which way is better."""

    name: str
    goal: Goal


class Population(Struct, frozen=True, forbid_unknown_fields=True):
    """Population based training: how many members there are, and how they go on from one generation to the next."""

    size: int
    checkpoint_argument: str
    """The argument that names the folder in which the script finds its checkpoint and leaves the next one."""
    quantile_fraction: float = 0.25
    """So many members, the worst, go on from one of as many, the best."""
    resample_probability: float = 0.25
    """With which a parameter of those is drawn anew instead of being perturbed."""
    perturbation_factors: tuple[float, float] = (0.8, 1.2)
    """One of them is what a number is multiplied by."""


class Sampling(Struct, frozen=True, forbid_unknown_fields=True):
    """How a sweep chooses the parameters of its next trial."""

    kind: Literal["random", "grid", "sobol", "bayesian", "cmaes", "nsga2", "pbt"]
    seed: int = 0
    model: Literal["tpe", "gp"] = "tpe"
    """What `bayesian` learns with."""
    population: Population | None = None
    """Of `pbt`."""
    population_size: int = 50
    """Of `nsga2`: trials in a generation, and parents of the next one."""


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """When a trial that falls behind is stopped. An interval is one logged value of the primary metric, or a step."""

    kind: Literal["none", "bandit", "median", "truncation", "asha", "hyperband"] = "none"
    evaluation_interval: int = 1
    """Trials are judged at its multiples, from `delay_evaluation` on."""
    delay_evaluation: int = 0
    slack_factor: float | None = None
    """Bandit: by how much a trial may be behind the best, as a ratio."""
    slack_amount: float | None = None
    """Bandit: the same as an amount."""
    truncation_percentage: int | None = None
    """Truncation: so many percent of the trials, the worst, are stopped at each interval."""
    exclude_finished: bool = False
    """Truncation: trials that ended are not counted."""
    reduction_factor: int = 3
    """ASHA, Hyperband: one of so many goes on from each rung."""
    min_interval: int = 1
    """ASHA, Hyperband: the first rung."""
    max_interval: int | None = None
    """Hyperband: how many intervals a trial runs at most."""
    stop_on_nan: bool = False
    """A trial that logs a value which is not a finite number is stopped."""
    interval: Literal["value", "step"] = "value"
    """What an interval is: one logged value, or one `step` of those that the script logs with its values."""


class Retries(Struct, frozen=True, forbid_unknown_fields=True):
    """How often a trial goes again, with the same parameters, after each kind of failure."""

    node_lost: int = 3
    out_of_memory: int = 0
    failed: int = 0
    """Its script ended by itself with an error."""


class SweepSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What to search, how, and when to stop."""

    space: dict[str, Any]
    """An expression in v1's form for each parameter, such as `{"--lr": ["loguniform", [-6, -1]]}`."""
    sampling: Sampling
    objectives: tuple[Objective, ...]
    """The first is the primary metric: trials are ranked and stopped by it."""
    max_total_runs: int
    max_concurrent_runs: int
    policy: Policy = Policy()
    constraints: tuple[str, ...] = ()
    """Conditions over parameters, such as `batch * layers <= 4096`: what does not fulfil them is not tried."""
    metric_constraints: tuple[str, ...] = ()
    """Conditions over metrics, such as `latency <= 10`: a trial that does not fulfil them is not the best."""
    max_duration_minutes: float = LONGEST_MINUTES
    repeats: int = 1
    """Trials of each choice of parameters, which are ranked by their mean."""
    value: Literal["best", "last"] = "best"
    """Which logged value of a metric is the trial's."""
    stop_at: float | None = None
    """The sweep is done when a trial reaches this value."""
    patience: int | None = None
    """The sweep is done when so many trials in a row brought no better value."""
    fail_fast: bool = True
    """The sweep ends when its first trials fail alike."""
    retries: Retries = Retries()
    keep_outputs: int | None = None
    """So many trials, the best, keep what they left in `outputs`; None: all do."""
    resume_from: tuple[str, ...] = ()
    """Sweeps whose trials this one knows: it learns from them, and tries none of them again."""
    resume_child_runs: tuple[str, ...] = ()
    """Trials of sweeps whose parameters are tried again, first."""


class SweepRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """`submission`: that of each trial, without its parameters."""

    spec: SweepSpec
    submission: Submission


class SweepChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is not given stays."""

    max_total_runs: int | None = None
    max_concurrent_runs: int | None = None
    max_duration_minutes: float | None = None
    """From now on."""
    space: dict[str, Any] | None = None
    constraints: tuple[str, ...] | None = None
    paused: bool | None = None


class GivenTrials(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of trials that are to be tried next; a repeated `request` has no second effect."""

    trials: tuple[dict[str, Any], ...]
    request: str = ""


class AdoptedRuns(Struct, frozen=True, forbid_unknown_fields=True):
    """Runs that were there before and that the sweep is to know."""

    runs: tuple[str, ...]


class TrialView(Struct, frozen=True):
    number: int
    run_id: str | None
    """None while it waits for its turn."""
    state: Literal["waiting", "free", "open", "ended"]
    """`free`: a model is about to choose its parameters."""
    status: str
    """Of its run."""
    parameters: dict[str, Any]
    value: float | None
    """Of the primary metric; None where there is no finite one."""
    metrics: list[float | None]
    """Of each objective."""
    intervals: int
    """Values of the primary metric that it has logged, where a policy counts them."""
    source: Literal["sampled", "given", "adopted"]
    """`adopted`: a run that was there before, with a number below 0."""
    tries: int
    stopped: str = ""
    """Why a policy stopped it."""
    allowed: bool = True
    """Whether it fulfils the conditions on metrics."""
    mean: float | None = None
    """Where parameters are tried several times: the mean of the values that these have."""
    member: int | None = None
    """Of a population, from 0."""
    parent: int | None = None
    """The trial of the generation before whose parameters it has, or from whose they were made."""
    checkpoint: int | None = None
    """The trial whose checkpoint it started from; None: from none."""


class SweepView(Struct, frozen=True):
    id: str
    experiment: str
    status: str
    state: Literal["running", "paused", "stopping", "ended"]
    spec: SweepSpec
    trials: int
    """Numbers that were given out."""
    counts: dict[str, int]
    """Trials by the status of their run, `Waiting` for those without one."""
    best: TrialView | None
    deadline: int
    """Microseconds since the epoch."""
    exhausted: bool
    """Whether the space has nothing more that was not tried."""
    adopted: int = 0
    """Runs that were there before and that it knows: they are none of its `counts`."""
    told: str = ""
    """Why it stops or has stopped before all its trials; empty: it has not."""
