"""NSGA-II: Optuna's selection, crossover and mutation, over generations that are looked up among the known trials.

Optuna keeps the parents of each generation in the study. Here they are selected anew from the generations before, in
order, and remembered as long as those are the same: 10,000 trials have 200 generations of 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import NSGAIISampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

GENERATION = "nsga2:generation"
"""The attribute of a trial that says of which it is. Optuna's own is called after the class of the sampler."""
_OTHER = 0x5BD1E995
"""Makes another seed of one."""


class Parents:
    """What earlier draws have selected: for each generation the parents of the next one, and from whom."""

    def __init__(self) -> None:
        self._selected: list[tuple[list[FrozenTrial], list[FrozenTrial]]] = []

    def find(self, generation: int, candidates: Sequence[FrozenTrial]) -> list[FrozenTrial] | None:
        """None where the candidates are others than before; later generations are forgotten then."""
        if generation < len(self._selected) and _are_same(self._selected[generation][0], candidates):
            return self._selected[generation][1]
        del self._selected[generation:]
        return None

    def put(self, candidates: list[FrozenTrial], selected: list[FrozenTrial]) -> None:
        self._selected.append((candidates, selected))


class Evolution(NSGAIISampler):
    """Made for one draw from `trials`."""

    def __init__(self, trials: Sequence[FrozenTrial], parents: Parents, *, size: int, seed: int) -> None:
        super().__init__(population_size=size, seed=seed)
        self._size = size
        self._selection = _Selection(size)
        self._mutations = RandomSampler(seed=seed ^ _OTHER)
        self._parents = parents
        self._generations: dict[int, list[FrozenTrial]] = {}
        for trial in trials:
            if trial.state is TrialState.COMPLETE:
                self._generations.setdefault(trial.system_attrs[GENERATION], []).append(trial)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """By other numbers than those that decide on crossover and mutation: both begin anew with each draw."""
        return self._mutations.sample_independent(study, trial, param_name, param_distribution)

    def get_trial_generation(self, study: optuna.Study, trial: FrozenTrial) -> int:
        """The newest one, or the next where that is full."""
        if (known := trial.system_attrs.get(GENERATION)) is not None:
            return int(known)
        newest = max(self._generations, default=0)
        is_full = len(self._generations.get(newest, ())) >= self._size
        trial.system_attrs[GENERATION] = found = newest + is_full
        return found

    def get_population(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        return list(self._generations.get(generation, ()))

    def get_parent_population(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        """One generation after the other: Optuna's own calls itself once for each."""
        parents: list[FrozenTrial] = []
        for earlier in range(generation):
            candidates = self.get_population(study, earlier) + parents
            found = self._parents.find(earlier, candidates)
            if found is None:
                found = self._selection.among(study, candidates)
                self._parents.put(candidates, found)
            parents = found
        return parents


class _Selection(NSGAIISampler):
    """Who of some trials become parents, by Optuna's rules."""

    def __init__(self, size: int) -> None:
        super().__init__(population_size=size)
        self._candidates: list[FrozenTrial] = []

    def among(self, study: optuna.Study, candidates: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        self._candidates = list(candidates)
        return self.select_parent(study, 1)

    def get_population(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        return self._candidates

    def get_parent_population(self, study: optuna.Study, generation: int) -> list[FrozenTrial]:
        return []


def _are_same(one: Sequence[FrozenTrial], other: Sequence[FrozenTrial]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
