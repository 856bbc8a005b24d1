"""Optuna's TPE with the known trials in arrays, which Optuna reads out of objects at each draw: the same draws, sooner.

At 1,000 trials that reading is a third of a draw. Optuna's estimators, samples and comparison are used as they are;
they are no part of its interface, so only with the release that was tried (`FITS`). With another its own sampler
draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

FITS = optuna.__version__ == "5.0.0"
_RUNNING, _COMPLETE, _PRUNED, _OTHER = range(4)
_STATES = {
    TrialState.RUNNING: _RUNNING,
    TrialState.COMPLETE: _COMPLETE,
    TrialState.PRUNED: _PRUNED,
}
_NO_STEP = -1
"""Of a stopped trial without a value: before all steps."""
_ROOM = 256


class Table:
    """A row for each known trial, whatever its number."""

    def __init__(self, names: Sequence[str]) -> None:
        self._column = {name: place for place, name in enumerate(names)}
        self._row: dict[int, int] = {}
        self._numbers = np.zeros(0, np.int64)
        self._states = np.zeros(0, np.int8)
        self._values = np.zeros((0, 2))
        """The result, or what a stopped one had come to, and by how much it violates constraints."""
        self._steps = np.zeros(0, np.int64)
        self._parameters = np.zeros((0, len(names)))

    def put(self, trial: FrozenTrial) -> None:
        row = self._row.setdefault(trial.number, len(self._row))
        if row == len(self._numbers):
            self._grow()
        self._numbers[row] = trial.number
        self._states[row] = _STATES.get(trial.state, _OTHER)
        self._steps[row], value = max(trial.intermediate_values.items(), default=(_NO_STEP, 0.0))
        if trial.state is TrialState.COMPLETE:
            value = trial.values[0]
        self._values[row] = value, sum(over for over in trial.constraints.values() if over > 0)
        self._parameters[row] = np.nan
        for name, given in trial.params.items():
            self._parameters[row, self._column[name]] = given

    def forget(self, number: int) -> None:
        """What is put under the number later takes its row."""
        if (row := self._row.get(number)) is not None:
            self._states[row] = _OTHER

    def split(
        self, without: int, maximize: bool, names: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The good ones and the others, as Optuna's `_split_trials` has them: their parameters, by number."""
        count = len(self._row)
        order = np.argsort(self._numbers[:count])
        order = order[(self._states[order] != _OTHER) & (self._numbers[order] != without)]
        states, (values, violated) = self._states[order], self._values[order].T
        has_ended = states != _RUNNING
        wanted = optuna.samplers._tpe.sampler.default_gamma(int(has_ended.sum()))
        allowed = has_ended & ~(violated > 0)
        complete = np.flatnonzero(allowed & (states == _COMPLETE))
        best = complete[np.argsort(-values[complete] if maximize else values[complete], kind="stable")]
        stopped = np.flatnonzero(allowed & (states == _PRUNED))
        steps, reached = self._steps[order][stopped], values[stopped]
        furthest = stopped[np.lexsort((-reached if maximize else reached, -steps))]
        refused = np.flatnonzero(has_ended & (violated > 0))
        nearest = refused[np.argsort(violated[refused], kind="stable")]
        is_good = np.zeros(len(order), bool)
        is_good[np.concatenate([best, furthest, nearest])[:wanted]] = True
        found = self._parameters[order][:, [self._column[name] for name in names]]
        is_there = ~np.isnan(found).any(axis=1)
        good, others = found[is_good & is_there], found[~is_good & is_there]
        return (
            {name: good[:, place].copy() for place, name in enumerate(names)},
            {name: others[:, place].copy() for place, name in enumerate(names)},
        )

    def _grow(self) -> None:
        self._numbers, self._states = _larger(self._numbers), _larger(self._states)
        self._values, self._steps = _larger(self._values), _larger(self._steps)
        self._parameters = _larger(self._parameters)


class TableTPE(TPESampler):
    """For one objective; one for a sweep, since making one costs 0.3 ms. `table`: the trials of its study."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(seed=0, multivariate=True, constant_liar=True)
        self.table = Table(names)

    def begin(self, seed: int) -> None:
        """Draw as one that was made with this seed."""
        for state in (self._rng, self._random_sampler._rng):
            state.rng.seed(seed)

    def _sample(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        maximize = study.direction is StudyDirection.MAXIMIZE
        good, others = (
            self._parzen_estimator_cls(observed, search_space, self._parzen_estimator_parameters)
            for observed in self.table.split(trial.number, maximize, list(search_space))
        )
        samples = good.sample(self._rng.rng, self._n_ei_candidates)
        found = self._compare(samples, self._compute_acquisition_func(samples, good, others))
        return {name: each.to_external_repr(found[name]) for name, each in search_space.items()}


def _larger(old: np.ndarray) -> np.ndarray:
    return np.concatenate([old, np.zeros((max(_ROOM, len(old)), *old.shape[1:]), old.dtype)])
