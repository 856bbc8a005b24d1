"""The trials of a sweep in Optuna's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from faena.sweeps.learning import attributes
from faena.sweeps.learning.evolution import GENERATION, Parents
from faena.sweeps.learning.messages import Task, Told
from faena.sweeps.learning.proposals import bounded, finite
from faena.sweeps.schemas import Sampling
from faena.sweeps.space import Dimension, Point, Space

STATES = {
    "running": TrialState.RUNNING,
    "completed": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}

_WIDE = 1_000
"""Optuna's Gaussian process lists all values of an integer: so many are as good as a continuum."""


class FrozenTrials:
    def __init__(self, task: Task, space: Space) -> None:
        self.task = task
        self.space = space
        self.distributions = {each.name: distribution(each, task.sampling) for each in space.dimensions}
        self.directions = directions(task)
        self._shared: dict[tuple[str, ...], dict[str, BaseDistribution]] = {}
        self._is_bred = task.sampling.kind == "nsga2"
        # a generation is one in any space
        self._layout = attributes.layout(() if self._is_bred else space.dimensions)
        self._is_tpe = task.sampling.kind == "bayesian" and task.sampling.model == "tpe"
        self._parents: dict[tuple[str, ...], Parents] = {}
        self._trials: dict[int, FrozenTrial] = {}

    def put(self, told: Told, point: Point) -> None:
        self._trials[told.number] = self._frozen(told, point)

    def forget(self, number: int) -> None:
        self._trials.pop(number, None)

    def known(self, without: int) -> list[FrozenTrial]:
        """By number; not the one that is drawn."""
        return [trial for number, trial in sorted(self._trials.items()) if number != without]

    def parents(self, names: Iterable[str]) -> Parents:
        """Of the trials that have these dimensions, as earlier draws have selected them."""
        return self._parents.setdefault(tuple(names), Parents())

    def attributes_of(self, drawn: FrozenTrial) -> bytes:
        return attributes.encode(drawn.system_attrs, self._layout)

    def _frozen(self, told: Told, point: Point) -> FrozenTrial:
        intermediate = {n: value for n, value in told.intermediate.items() if value is not None}
        state, results = self._end(told, intermediate)
        kept = attributes.decode(told.attributes, self._layout)
        if self._is_bred:  # what no model drew, such as a trial by hand, is of the first generation
            kept.setdefault(GENERATION, 0)
        trial = FrozenTrial(
            number=told.number,
            trial_id=told.number,
            state=state,
            value=None,
            values=results,
            datetime_start=None,
            datetime_complete=None,
            params=point.coordinates,
            distributions=self._distributions_of(point.coordinates),
            user_attrs={},
            system_attrs=kept,
            intermediate_values=intermediate,
        )
        if self._is_tpe or self._is_bred:
            for name, violation in told.violations.items():
                trial.set_constraint(name, violation)
        return trial

    def _end(self, told: Told, intermediate: Mapping[int, float]) -> tuple[TrialState, list[float] | None]:
        """Only TPE learns from trials that were stopped as such, and only with one objective.

        The others would leave them out, and with a policy that stops most trials learn next to nothing: for them a
        stopped trial ended with what it had reached. A trial without a finite result has failed.
        """
        state, results = STATES[told.state], finite(told.results)
        if state is TrialState.PRUNED:
            if self._is_tpe and self._is_single:
                return state, None
            if self._is_single and intermediate:
                results = [intermediate[max(intermediate)]]
            state = TrialState.COMPLETE
        if state is not TrialState.COMPLETE:
            return state, None
        if results is None or len(results) != len(self.directions):
            return TrialState.FAIL, None
        return state, bounded(results)

    @property
    def _is_single(self) -> bool:
        return len(self.directions) == 1

    def _distributions_of(self, coordinates: Mapping[str, float]) -> dict[str, BaseDistribution]:
        """One dictionary for all trials with the same active dimensions: ten thousand trials have a few."""
        names = tuple(coordinates)
        if (found := self._shared.get(names)) is None:
            found = self._shared[names] = {name: self.distributions[name] for name in names}
        return found


def distribution(dimension: Dimension, sampling: Sampling) -> BaseDistribution:
    is_gp = sampling.kind == "bayesian" and sampling.model == "gp"
    is_wide = dimension.high - dimension.low >= _WIDE
    if dimension.kind == "float" or (is_gp and is_wide):
        return FloatDistribution(dimension.low, dimension.high)
    return IntDistribution(int(dimension.low), int(dimension.high))


def directions(task: Task) -> list[StudyDirection]:
    return [
        StudyDirection.MAXIMIZE if objective.goal == "maximize" else StudyDirection.MINIMIZE
        for objective in task.objectives
    ]
