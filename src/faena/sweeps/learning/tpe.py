"""Optuna's TPE for one objective, with the known trials in arrays: the same draws, in a fraction of its time.

Optuna makes an object of each trial and reads all of them several times a draw, and is loaded for as long as a dozen
trials of a short script take. Here nothing of it is loaded. Used where the release is installed that was tried
(`fits`); with another one its own sampler draws.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.random  # which numpy itself loads later, in the middle of the first draw

from faena.sweeps.learning.messages import Task, Told
from faena.sweeps.learning.parzen import Axis, Mixture
from faena.sweeps.learning.proposals import Proposal, groups, results_of, seed, within
from faena.sweeps.space import Dimension, Point, Space

_RELEASE = "5.0.0"
_RUNNING, _COMPLETE, _STOPPED, _OTHER = range(4)
_STARTUP = 10
"""Trials that have to have ended for it to learn from them."""
_CANDIDATES = 24
_MOST_GOOD = 25
_NO_STEP = -1
"""Of a stopped trial without a value: before all steps."""
_ROOM = 256


@functools.cache
def fits() -> bool:
    """Whether the installed Optuna is of the release whose draws these are. Without loading it."""
    found = find_spec("optuna")
    if found is None or found.origin is None:
        return False
    try:
        text = Path(found.origin).with_name("version.py").read_text()
    except OSError:
        return False
    return text.split() == ["__version__", "=", f'"{_RELEASE}"']


class Table:
    """A row for each known trial, whatever its number."""

    def __init__(self, names: Sequence[str]) -> None:
        self._column = {name: place for place, name in enumerate(names)}
        self._row: dict[int, int] = {}
        self._numbers = np.zeros(0, np.int64)
        self._states = np.zeros(0, np.int8)
        self._values = np.zeros(0)
        """The result, or what a stopped one had come to."""
        self._violated = np.zeros(0)
        """By how much it violates constraints on metrics."""
        self._steps = np.zeros(0, np.int64)
        self.parameters = np.zeros((0, len(names)))
        self.masses = np.zeros((0, len(names), 2))
        """How wide the kernel of each was among the others, and the log of its mass then: mostly it still is."""

    def put(self, told: Told, point: Point) -> None:
        row = self._row.setdefault(told.number, len(self._row))
        if row == len(self._numbers):
            self._grow()
        self._numbers[row] = told.number
        self._states[row], self._values[row], self._steps[row] = _end(told)
        self._violated[row] = sum(over for over in told.violations.values() if over > 0)
        self.parameters[row] = np.nan
        for name, given in point.coordinates.items():
            self.parameters[row, self._column[name]] = given
        self.masses[row] = np.nan

    def forget(self, number: int) -> None:
        """What is put under the number later takes its row."""
        if (row := self._row.get(number)) is not None:
            self._states[row] = _OTHER

    def columns(self, names: Sequence[str]) -> list[int]:
        return [self._column[name] for name in names]

    def ended(self, without: int) -> int:
        """How many there are to learn from."""
        states = self._states[: len(self._row)]
        own = self._row.get(without)
        has_ended = (_COMPLETE, _STOPPED)
        return int((states == _COMPLETE).sum() + (states == _STOPPED).sum()) - (
            own is not None and states[own] in has_ended
        )

    def split(self, without: int, maximize: bool) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the good ones and of the others, each by number, as Optuna's `_split_trials` has them."""
        rows = self._in_order(without)
        states, values, violated = self._states[rows], self._values[rows], self._violated[rows]
        has_ended = states != _RUNNING
        wanted = min(math.ceil(0.1 * int(has_ended.sum())), _MOST_GOOD)
        is_refused = violated > 0
        complete = np.flatnonzero((states == _COMPLETE) & ~is_refused)
        found = [_least(-values[complete] if maximize else values[complete], complete, wanted)]
        if len(found[0]) < wanted:
            stopped = np.flatnonzero((states == _STOPPED) & ~is_refused)
            reached = values[stopped]
            order = np.lexsort((-reached if maximize else reached, -self._steps[rows[stopped]]))
            refused = np.flatnonzero(has_ended & is_refused)
            found += [stopped[order], refused[np.argsort(violated[refused], kind="stable")]]
        is_good = np.zeros(len(rows), bool)
        is_good[np.concatenate(found)[:wanted]] = True
        return rows[is_good], rows[~is_good]

    def _in_order(self, without: int) -> np.ndarray:
        """Rows by number, of those that are learned from."""
        numbers = self._numbers[: len(self._row)]
        of_use = (self._states[: len(numbers)] != _OTHER) & (numbers != without)
        if (numbers[1:] > numbers[:-1]).all():
            return np.flatnonzero(of_use)
        order = np.argsort(numbers)
        found: np.ndarray = order[of_use[order]]
        return found

    def _grow(self) -> None:
        for name in ("_numbers", "_states", "_values", "_violated", "_steps", "parameters", "masses"):
            old = getattr(self, name)
            more = np.zeros((max(_ROOM, len(old)), *old.shape[1:]), old.dtype)
            setattr(self, name, np.concatenate([old, more]))


class TableModel:
    """What a sweep that Optuna's TPE draws for has learned."""

    def __init__(self, task: Task, space: Space) -> None:
        self._seed = task.sampling.seed
        self._maximize = task.objectives[0].goal == "maximize"
        self._table = Table([each.name for each in space.dimensions])
        self._axes = {each.name: Axis(each) for each in space.dimensions}
        self._groups = groups(space.dimensions)
        self._chance = np.random.RandomState(0)

    def put(self, told: Told, point: Point) -> None:
        self._table.put(told, point)

    def forget(self, number: int) -> None:
        self._table.forget(number)

    def proposal(self, number: int, attempt: int) -> Proposal:
        chosen = seed(self._seed, number, attempt)
        learns = self._table.ended(number) >= _STARTUP
        self._chance.seed(chosen)
        found: dict[str, float] = {}
        for group in self._groups:
            branch = group[0].branch
            if branch is not None and found.get(branch[0]) != branch[1]:
                continue
            searched = [each for each in group if each.low < each.high]
            if learns and searched:
                drawn = self._learned(searched, number)
            else:
                drawn = [_at_random(each, self._chance) for each in searched]
            values = dict(zip([each.name for each in searched], drawn, strict=True))
            found |= {each.name: within(each, values.get(each.name, each.low)) for each in group}
        return Proposal(found)

    def note(self, number: int) -> str | None:
        return None

    def _learned(self, searched: Sequence[Dimension], number: int) -> list[float]:
        names = [each.name for each in searched]
        axes, columns = [self._axes[name] for name in names], self._table.columns(names)
        good, others = (self._with(columns, rows) for rows in self._table.split(number, self._maximize))
        of_good = self._mixture(axes, columns, good)
        of_others = self._mixture(axes, columns, others, remembers=True)
        samples = of_good.sample(self._chance, _CANDIDATES)
        better = of_good.log_density(samples) - of_others.log_density(samples)
        return [each.item() for each in samples[:, np.argmax(better)]]

    def _with(self, columns: Sequence[int], rows: np.ndarray) -> np.ndarray:
        """Those that have these parameters."""
        return rows[~np.isnan(self._table.parameters[rows[:, None], columns]).any(axis=1)]

    def _mixture(
        self, axes: Sequence[Axis], columns: Sequence[int], rows: np.ndarray, *, remembers: bool = False
    ) -> Mixture:
        """`remembers`: of few kernels another one is as wide as it was before."""
        means = [self._table.parameters[rows, column] for column in columns]
        sigmas = [axis.sigmas(each) for axis, each in zip(axes, means, strict=True)]
        masses = []
        for axis, column, mean, sigma in zip(axes, columns, means, sigmas, strict=True):
            if not remembers:
                masses.append(axis.log_mass(mean, sigma))
                continue
            known = self._table.masses[rows, column]
            is_new = known[:, 0] != sigma
            if is_new.any():
                widths = sigma[is_new]
                known[is_new] = np.stack([widths, axis.log_mass(mean[is_new], widths)], axis=1)
                self._table.masses[rows[is_new], column] = known[is_new]
            masses.append(known[:, 1])
        return Mixture(axes, means, sigmas, masses)


def _end(told: Told) -> tuple[int, float, int]:
    """State, value, and the step of that of a stopped one."""
    if told.state == "running":
        return _RUNNING, 0.0, _NO_STEP
    if told.state == "stopped":
        reached = [(at, value) for at, value in told.intermediate.items() if value is not None]
        step, value = max(reached, default=(_NO_STEP, 0.0))
        return _STOPPED, value, step
    results = results_of(told, 1) if told.state == "completed" else None
    return (_OTHER, 0.0, _NO_STEP) if results is None else (_COMPLETE, results[0], _NO_STEP)


def _least(losses: np.ndarray, which: np.ndarray, count: int) -> np.ndarray:
    """Those of the least losses, in their order; of equal ones the first."""
    if count < len(losses):
        is_candidate = losses <= np.partition(losses, count)[count]
        losses, which = losses[is_candidate], which[is_candidate]
    return which[np.argsort(losses, kind="stable")][:count]


def _at_random(dimension: Dimension, chance: np.random.RandomState) -> float:
    """As Optuna's random sampler, which has the same seed."""
    if dimension.kind == "float":
        drawn = chance.uniform(dimension.low, dimension.high)
        return min(drawn, float(np.nextafter(dimension.high, dimension.high - 1)))
    drawn = chance.uniform(dimension.low - 0.5, dimension.high + 0.5)
    return math.floor(drawn - dimension.low + 0.5) + dimension.low
