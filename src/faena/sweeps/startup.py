"""The first trials of a sampling that learns: random, as Optuna's samplers have them, and drawn by ourselves. No I/O.

So they begin in the transactions that make room for them, while the sampler's process still loads Optuna.
"""

from __future__ import annotations

from faena.sweeps.schemas import Sampling

_BAYESIAN = 10
_CMAES = 1


def startup_trials(sampling: Sampling) -> int:
    """So many trials have to end with a value before the model draws; 0 for a sampling that does not learn.

    Counted as Optuna counts them: also those of earlier sweeps, those given by hand and those that were stopped.
    """
    if sampling.kind == "bayesian":
        return _BAYESIAN
    if sampling.kind == "cmaes":
        return _CMAES
    return sampling.population_size if sampling.kind == "nsga2" else 0


def plain(sampling: Sampling) -> Sampling:
    """What its first trials are drawn by: those of a random sweep with the same seed."""
    return Sampling("random", sampling.seed)
