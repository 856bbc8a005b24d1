"""When a trial that falls behind is stopped, in v1's words.

An interval is one logged value of the primary metric. A policy is applied at each multiple of `evaluation_interval`
that is `delay_evaluation` or more. With `interval="step"` intervals are the steps that the script logs with its values,
`run.log(name, value, step=epoch)`: scripts that log at different steps are compared at equal ones.
"""

from __future__ import annotations

from typing import Any, Literal

from faena.client.wire import shown
from faena.kernel.errors import TrainingException, UserErrorException
from faena.sweeps import policies
from faena.sweeps.schemas import Policy

Interval = Literal["value", "step"]
_SPELT = {"exclude_finished": "exclude_finished_jobs"}
"""Fields whose parameter is called otherwise."""


class EarlyTerminationPolicy:
    """What all policies are; `policy` is what is sent."""

    policy: Policy

    def _set(self, evaluation_interval: Any, delay_evaluation: Any, **settings: Any) -> None:
        for name, value in (
            ("evaluation_interval", evaluation_interval),
            ("delay_evaluation", delay_evaluation),
        ):
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(f"{name} is {shown(value)}. Use a whole number.")
        self.policy = Policy(
            evaluation_interval=evaluation_interval, delay_evaluation=delay_evaluation, **settings
        )
        policies.check(self.policy)

    @property
    def evaluation_interval(self) -> int:
        return self.policy.evaluation_interval

    @property
    def delay_evaluation(self) -> int:
        return self.policy.delay_evaluation

    def __repr__(self) -> str:
        plain = Policy(self.policy.kind)
        given = {name: getattr(self.policy, name) for name in self.policy.__struct_fields__}
        said = [
            f"{_SPELT.get(name, name)}={value!r}"
            for name, value in given.items()
            if value != getattr(plain, name)
        ]
        return f"{type(self).__name__}({', '.join(said)})"


class NoTerminationPolicy(EarlyTerminationPolicy):
    """Every trial runs to its end."""

    def __init__(self) -> None:
        self._set(1, 0)


class BanditPolicy(EarlyTerminationPolicy):
    """Stops a trial whose best value is behind the best of all by more than a slack.

    Exactly one of `slack_factor` (0.1: a trial is stopped below best / 1.1) and `slack_amount` (below best - amount);
    where the metric is to be small, above best * 1.1 and best + amount. Raises TrainingException otherwise.
    """

    def __init__(
        self,
        evaluation_interval: int = 1,
        slack_factor: float | None = None,
        slack_amount: float | None = None,
        delay_evaluation: int = 0,
        *,
        stop_on_nan: bool = False,
        interval: Interval = "value",
    ) -> None:
        if (slack_factor is None) == (slack_amount is None):
            raise TrainingException("A BanditPolicy needs either slack_factor or slack_amount, and not both.")
        for name, value in (("slack_factor", slack_factor), ("slack_amount", slack_amount)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
                raise UserErrorException(f"{name} is {shown(value)}. Use a number.")
        self._set(
            evaluation_interval,
            delay_evaluation,
            kind="bandit",
            slack_factor=slack_factor,
            slack_amount=slack_amount,
            stop_on_nan=stop_on_nan,
            interval=interval,
        )

    @property
    def slack_factor(self) -> float | None:
        return self.policy.slack_factor

    @property
    def slack_amount(self) -> float | None:
        return self.policy.slack_amount


class MedianStoppingPolicy(EarlyTerminationPolicy):
    """Stops a trial whose best value is worse than the median of the trials' running means at its interval."""

    def __init__(
        self,
        evaluation_interval: int = 1,
        delay_evaluation: int = 0,
        *,
        stop_on_nan: bool = False,
        interval: Interval = "value",
    ) -> None:
        self._set(
            evaluation_interval, delay_evaluation, kind="median", stop_on_nan=stop_on_nan, interval=interval
        )


class TruncationSelectionPolicy(EarlyTerminationPolicy):
    """Stops `truncation_percentage` percent of the trials, the worst, at each interval."""

    def __init__(
        self,
        truncation_percentage: int,
        evaluation_interval: int = 1,
        delay_evaluation: int = 0,
        exclude_finished_jobs: bool = False,
        *,
        stop_on_nan: bool = False,
        interval: Interval = "value",
    ) -> None:
        self._set(
            evaluation_interval,
            delay_evaluation,
            kind="truncation",
            truncation_percentage=truncation_percentage,
            exclude_finished=exclude_finished_jobs,
            stop_on_nan=stop_on_nan,
            interval=interval,
        )

    @property
    def truncation_percentage(self) -> int | None:
        return self.policy.truncation_percentage


class AshaPolicy(EarlyTerminationPolicy):
    """At each rung (`min_interval` times a power of `reduction_factor`) one of `reduction_factor` trials goes on.

    Asynchronous successive halving; see Li et al., 2018, arXiv:1810.05934.
    """

    def __init__(
        self,
        min_interval: int = 1,
        reduction_factor: int = 3,
        *,
        stop_on_nan: bool = False,
        interval: Interval = "value",
    ) -> None:
        self._set(
            1,
            0,
            kind="asha",
            min_interval=min_interval,
            reduction_factor=reduction_factor,
            stop_on_nan=stop_on_nan,
            interval=interval,
        )


class HyperbandPolicy(EarlyTerminationPolicy):
    """Successive halving in brackets, each with another first rung; a trial has `max_interval` intervals at most.

    See Li et al., 2016, arXiv:1603.06560.
    """

    def __init__(
        self,
        max_interval: int,
        min_interval: int = 1,
        reduction_factor: int = 3,
        *,
        stop_on_nan: bool = False,
        interval: Interval = "value",
    ) -> None:
        self._set(
            1,
            0,
            kind="hyperband",
            max_interval=max_interval,
            min_interval=min_interval,
            reduction_factor=reduction_factor,
            stop_on_nan=stop_on_nan,
            interval=interval,
        )
