"""Ask and tell: a script that runs its trials itself asks which parameters to try, and tells what came of them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsFloat

from faena.client.sweeps.config import PrimaryMetricGoal
from faena.client.sweeps.plain import plain
from faena.client.sweeps.samplings import HyperParameterSampling
from faena.client.wire import shown
from faena.kernel.errors import UserErrorException
from faena.sweeps import samplings
from faena.sweeps.comparing import finite, is_better
from faena.sweeps.learning import extras
from faena.sweeps.learning.messages import Drawn, Task, Told
from faena.sweeps.schemas import Goal, Objective
from faena.sweeps.space import Point
from faena.sweeps.startup import plain as startup_sampling
from faena.sweeps.startup import startup_trials

if TYPE_CHECKING:
    from faena.sweeps.learning.known import Known


class Best(NamedTuple):
    parameters: dict[str, Any]
    value: float


@dataclass(frozen=True, slots=True)
class AskedTrial:
    number: int
    """From 0, in the order in which they were asked for or told."""
    parameters: dict[str, Any]
    state: Literal["asked", "told", "failed"]
    """`failed`: it was told without a finite value."""
    value: float | None = None


class Asking:
    """Where the next trial lies, for a script or notebook that runs the trials itself, as its child runs or otherwise.

    `sampling`: any; one that learns (Bayesian, CMA-ES) draws in this process, by Optuna, and needs `faena[tuning]`
    here. It is in memory alone: who starts anew tells what was tried before. Several threads may ask and tell.

    Raises UserErrorException that says what is missing, or wrong with the space for this sampling.
    """

    def __init__(
        self,
        sampling: HyperParameterSampling,
        primary_metric_goal: PrimaryMetricGoal = PrimaryMetricGoal.MAXIMIZE,
    ) -> None:
        if not isinstance(sampling, HyperParameterSampling):
            raise UserErrorException(
                f"sampling is {shown(sampling)}. Use a sampling, such as "
                "RandomParameterSampling({'--lr': uniform(0, 1)})."
            )
        if not isinstance(primary_metric_goal, PrimaryMetricGoal):
            raise UserErrorException(
                f"primary_metric_goal is {shown(primary_metric_goal)}. Use PrimaryMetricGoal.MAXIMIZE or "
                "PrimaryMetricGoal.MINIMIZE."
            )
        if sampling.sampling.population is not None:
            raise UserErrorException(
                "Population based training hands checkpoints from trial to trial, which a script that runs its trials "
                "itself has to do. Use another sampling here, or HyperDriveConfig."
            )
        self.sampling = sampling
        self._goal: Goal = "maximize" if primary_metric_goal is PrimaryMetricGoal.MAXIMIZE else "minimize"
        self._position = 0
        self._trials: list[AskedTrial] = []
        self._points: list[tuple[Point, bytes]] = []
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()
        self._known = self._learner()

    def ask(self) -> dict[str, Any] | None:
        """Parameters that were neither asked for nor told before; None where the space has no more.

        What is None, as a flag that is left out, is not among them: so they may be the `script_params` of an estimator.
        """
        with self._lock:
            found = self._next() or (None if self._known is None else self._draw(self._known))
            if found is None:
                return None
            number = self._add(*found)
            return dict(self._trials[number].parameters)

    def tell(self, parameters: Mapping[str, Any], value: SupportsFloat | None) -> None:
        """What came of a trial: the value of the metric; None or NaN: it failed. Told again, the last one counts.

        Parameters that were not asked for are taken in, too, if they lie in the space; others raise UserErrorException.
        """
        if not isinstance(parameters, Mapping):
            raise UserErrorException(
                f"parameters is {shown(parameters)}. Tell of those that ask() gave, a dict."
            )
        told = _number(value)
        point = self.sampling.space.require(plain(dict(parameters)))
        with self._lock:
            number = self._numbers.get(point.digest)
            if number is None:
                number = self._add(point, b"")
            state: Literal["told", "failed"] = "failed" if told is None else "told"
            self._trials[number] = replace(self._trials[number], state=state, value=told)
            self._learn(number)

    def best(self) -> Best | None:
        """The trial with the best value so far, of equals the first; None while there is none."""
        found: Best | None = None
        for trial in self.trials:
            if trial.value is not None and is_better(self._goal, trial.value, found and found.value):
                found = Best(dict(trial.parameters), trial.value)
        return found

    @property
    def trials(self) -> list[AskedTrial]:
        """All so far."""
        with self._lock:
            return list(self._trials)

    def _next(self) -> tuple[Point, bytes] | None:
        """Without a model; None where that is to draw, or where there is nothing more."""
        sampling = self.sampling.sampling
        if self._known is not None:
            told = sum(trial.state == "told" for trial in self._trials)
            if told >= startup_trials(sampling):
                return None
            sampling = startup_sampling(sampling)
        found = samplings.next_point(
            self.sampling.space, sampling, self._position, self._numbers.__contains__
        )
        if found is None:
            return None
        point, self._position = found
        return point, b""

    def _draw(self, known: Known) -> tuple[Point, bytes] | None:
        from faena.sweeps.learning.drawing import draw

        with _quiet():
            drawn = draw(known, len(self._trials))
        if not isinstance(drawn, Drawn):
            return None
        return self.sampling.space.at(drawn.coordinates), drawn.attributes

    def _add(self, point: Point, attributes: bytes) -> int:
        number = len(self._trials)
        given = {name: value for name, value in point.values.items() if value is not None}
        self._trials.append(AskedTrial(number, given, "asked"))
        self._points.append((point, attributes))
        self._numbers[point.digest] = number
        self._learn(number)
        return number

    def _learn(self, number: int) -> None:
        if self._known is None:
            return
        trial, (point, attributes) = self._trials[number], self._points[number]
        state = _STATES[trial.state]
        results = [] if trial.state == "asked" else [trial.value]
        with _quiet():
            self._known.tell(Told(number, point.coordinates, state, results, attributes=attributes))

    def _learner(self) -> Known | None:
        sampling = self.sampling.sampling
        if not extras.learns(sampling):
            samplings.check(self.sampling.space, sampling)
            return None
        if missing := extras.why_not(sampling, asked_here=True):
            raise UserErrorException(missing)
        from faena.sweeps.learning.known import Known  # with numpy or Optuna

        task = Task(
            sweep="asking",
            space=self.sampling.parameter_space,
            sampling=sampling,
            objectives=[Objective("value", self._goal)],
        )
        return Known(task, self.sampling.space)


_STATES: dict[str, Literal["running", "completed", "failed"]] = {
    "asked": "running",
    "told": "completed",
    "failed": "failed",
}


def _number(value: object) -> float | None:
    """Raises UserErrorException."""
    if value is None:
        return None
    try:
        if isinstance(value, (str, bytes, bool)):
            raise TypeError
        return finite(float(value))  # type: ignore[arg-type]  # refused below
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise UserErrorException(
            f"value is {shown(value)}. Tell a number, or None for a trial that failed."
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's notice that what is used of it is experimental."""
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
