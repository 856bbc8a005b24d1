"""What the sampler's process knows of one sweep: its space, and its trials in Optuna's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from faena.kernel.errors import UserErrorException
from faena.sweeps.learning import attributes, extras
from faena.sweeps.learning.evolution import GENERATION, Parents
from faena.sweeps.learning.messages import Task, Told, is_finite
from faena.sweeps.learning.tpe import FITS, TableTPE
from faena.sweeps.schemas import Sampling
from faena.sweeps.space import Dimension, Point, Space

STATES = {
    "running": TrialState.RUNNING,
    "completed": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}

_LARGEST = 1e150
"""Its square is a number, too, which samplers need that compute a scale."""

_WIDE = 1_000
"""Optuna's Gaussian process lists all values of an integer: so many are as good as a continuum."""


class Known:
    """Raises UserErrorException where the task's space cannot be read, or its sampling is not for it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.space = Space.parse(task.space, task.constraints)
        extras.check(task.sampling, len(self.space.dimensions), len(task.objectives))
        self.distributions = {each.name: distribution(each, task.sampling) for each in self.space.dimensions}
        self.directions = directions(task)
        self.revision: int | None = 0
        """None: in the middle of a telling."""
        self._shared: dict[tuple[str, ...], dict[str, BaseDistribution]] = {}
        self._is_bred = task.sampling.kind == "nsga2"
        # a generation is one in any space
        self._layout = attributes.layout(() if self._is_bred else self.space.dimensions)
        self._is_tpe = task.sampling.kind == "bayesian" and task.sampling.model == "tpe"
        self.tpe = TableTPE(list(self.distributions)) if self._is_tpe and self._is_single and FITS else None
        """With the trials in its table, where that one draws."""
        self._parents: dict[tuple[str, ...], Parents] = {}
        self._trials: dict[int, FrozenTrial] = {}
        self._digests: dict[int, str] = {}
        self._taken: Counter[str] = Counter()

    def tell(self, told: Told) -> None:
        """What lies outside the space, as after the space was narrowed, is not learned from."""
        self._forget(told.number)
        try:
            point = self.space.at(told.coordinates)
        except UserErrorException:
            return
        self._digests[told.number] = point.digest
        self._taken[point.digest] += 1
        self._trials[told.number] = trial = self._frozen(told, point)
        if self.tpe is not None:
            self.tpe.table.put(trial)

    def __len__(self) -> int:
        return len(self._trials)

    def trials(self, without: int) -> list[FrozenTrial]:
        """By number; not the one that is drawn."""
        return [trial for number, trial in sorted(self._trials.items()) if number != without]

    def is_taken(self, digest: str, without: int) -> bool:
        own = self._digests.get(without) == digest
        return not self.task.allow_duplicates and self._taken[digest] > own

    def parents(self, names: Iterable[str]) -> Parents:
        """Of the trials that have these dimensions, as earlier draws have selected them."""
        return self._parents.setdefault(tuple(names), Parents())

    def attributes_of(self, drawn: FrozenTrial) -> bytes:
        return attributes.encode(drawn.system_attrs, self._layout)

    def _forget(self, number: int) -> None:
        self._trials.pop(number, None)
        if self.tpe is not None:
            self.tpe.table.forget(number)
        if (digest := self._digests.pop(number, None)) is not None:
            self._taken[digest] -= 1
            if not self._taken[digest]:
                del self._taken[digest]

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
        return state, [min(max(value, -_LARGEST), _LARGEST) for value in results]

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


def finite(results: Sequence[float | None]) -> list[float] | None:
    """None where any of them is none: infinity would become the best or spoil the scale."""
    found = [value for value in results if value is not None and is_finite(value)]
    return found if found and len(found) == len(results) else None
