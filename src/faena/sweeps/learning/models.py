"""One proposal of Optuna's samplers, built anew from what is known, so that the same ledger gives the same one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from faena.sweeps.learning.evolution import Evolution
from faena.sweeps.learning.known import Known
from faena.sweeps.learning.ledger_storage import LedgerStorage
from faena.sweeps.schemas import Sampling
from faena.sweeps.space import Dimension

GP_LIMIT = 200
"""Trials that a Gaussian process learns from: at 200 a draw takes 0.3 s, at 1,000 nearly 9."""

_APART = 2_000
"""With several objectives TPE draws each parameter by itself, as Optuna has it, up to so many trials. It finds a better
front so, and takes as many times longer as there are parameters: with six of them 310 ms at 10,000 trials, not 97."""


def propose(known: Known, trials: Sequence[FrozenTrial], number: int, attempt: int) -> FrozenTrial:
    """A running trial with its parameters, and attributes of the sampler's. `attempt`: another one for each."""
    chance = seed(known.task.sampling.seed, number, attempt)
    sampler = None if known.task.sampling.kind == "nsga2" else _sampler(known, chance)
    drawn = FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )
    for place, group in enumerate(_groups(known)):
        branch = group[0].branch
        if branch is None or drawn.params.get(branch[0]) == branch[1]:
            searched = [each.name for each in group if not known.distributions[each.name].single()]
            used = trials
            if not isinstance(sampler, TPESampler):  # which leaves out by itself what lacks these parameters
                used = [trial for trial in trials if all(name in trial.params for name in searched)]
            of_group = sampler or _evolution(known, used, searched, chance + place)
            _draw_group(known, of_group, used, drawn, group, searched)
    return drawn


def _evolution(known: Known, trials: Sequence[FrozenTrial], searched: Sequence[str], seed: int) -> Evolution:
    size = known.task.sampling.population_size
    return Evolution(trials, known.parents(searched), size=size, seed=seed)


def seed(of_sweep: int, number: int, attempt: int) -> int:
    """One per draw: a fixed one would repeat itself, since nothing else is kept between draws."""
    text = f"{of_sweep}/{number}/{attempt}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") & 0x7FFFFFFF


def learned_from(
    sampling: Sampling, trials: Sequence[FrozenTrial], maximize: Sequence[bool]
) -> list[FrozenTrial]:
    """All; for a Gaussian process at most `GP_LIMIT` of those that ended: half the best ones, half the newest.

    With several objectives the best of each take turns. Those that run count besides, since it must not draw near them.
    """
    ended = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if sampling.model != "gp" or sampling.kind != "bayesian" or len(ended) <= GP_LIMIT:
        return list(trials)
    ranked = [
        sorted(ended, key=lambda trial: (_loss(trial, place, most), trial.number))
        for place, most in enumerate(maximize)
    ]
    chosen: set[int] = set()
    for together in zip(*ranked, strict=True):
        chosen |= {trial.number for trial in together[: GP_LIMIT // 2 - len(chosen)]}
        if len(chosen) >= GP_LIMIT // 2:
            break
    for trial in reversed(ended):
        if len(chosen) >= GP_LIMIT:
            break
        chosen.add(trial.number)
    return [trial for trial in trials if trial.state is not TrialState.COMPLETE or trial.number in chosen]


def _loss(trial: FrozenTrial, place: int, most: bool) -> float:
    result = float(trial.values[place])
    return -result if most else result


def _sampler(known: Known, seed: int) -> BaseSampler:
    sampling = known.task.sampling
    if sampling.kind == "cmaes":
        return CmaEsSampler(seed=seed)
    if sampling.model == "gp":
        return GPSampler(seed=seed, warn_independent_sampling=False)
    if known.tpe is not None:
        known.tpe.begin(seed)
        return known.tpe
    return TPESampler(seed=seed, multivariate=True, constant_liar=True)


def _groups(known: Known) -> Iterator[list[Dimension]]:
    """Dimensions that are active together, parents before children: Optuna's `group`, which we know beforehand."""
    groups: dict[tuple[str, int] | None, list[Dimension]] = {}
    for dimension in known.space.dimensions:
        groups.setdefault(dimension.branch, []).append(dimension)
    yield from groups.values()


def _draw_group(
    known: Known,
    sampler: BaseSampler,
    trials: Sequence[FrozenTrial],
    drawn: FrozenTrial,
    group: Sequence[Dimension],
    names: Sequence[str],
) -> None:
    """`names`: dimensions of the group that have more than one value."""
    searched = {name: known.distributions[name] for name in names}
    study = LedgerStorage(known.task.sweep, known.directions, trials, drawn).study()
    together = searched if _is_drawn_together(known, sampler, group, len(trials)) else {}
    values = sampler.sample_relative(study, drawn, together)
    for each in group:
        if each.name in values:
            value = values[each.name]
        elif each.name in searched:
            value = sampler.sample_independent(study, drawn, each.name, searched[each.name])
        else:
            value = each.low
        value = min(max(value, each.low), each.high)
        drawn.params[each.name] = float(value) if each.kind == "float" else round(value)
        drawn.distributions[each.name] = known.distributions[each.name]


def _is_drawn_together(known: Known, sampler: BaseSampler, group: Sequence[Dimension], trials: int) -> bool:
    if isinstance(sampler, CmaEsSampler):
        return group[0].branch is None  # it takes no parameters that come and go
    return isinstance(sampler, (GPSampler, Evolution)) or len(known.directions) == 1 or trials > _APART


def maximizes(known: Known) -> list[bool]:
    return [direction is StudyDirection.MAXIMIZE for direction in known.directions]
