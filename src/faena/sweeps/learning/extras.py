"""Which packages a sampling needs that are no part of a plain installation, and what to do where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from faena.kernel.errors import UserErrorException
from faena.sweeps.schemas import Sampling

_NEEDS = {
    "tpe": ("optuna",),
    "gp": ("optuna", "scipy", "torch"),
    "cmaes": ("optuna", "cmaes"),
    "nsga2": ("optuna",),
}
CMAES_LIMIT = 300
_POPULATION = (2, 10_000)
_NAMES = {
    "tpe": "Bayesian sampling",
    "gp": 'Bayesian sampling with model "gp"',
    "cmaes": "CMA-ES",
    "nsga2": "NSGA-II",
}


def learns(sampling: Sampling) -> bool:
    """Whether its draws depend on the trials before them, and are the sampler's process's to make."""
    return sampling.kind in ("bayesian", "cmaes", "nsga2")


def check(sampling: Sampling, dimensions: int, objectives: int) -> None:
    """Whether it can learn from so many. Raises UserErrorException."""
    if not learns(sampling):
        return
    name = _NAMES[_model(sampling)]
    if not objectives:
        raise UserErrorException(f"{name} learns from a metric. Name the primary one, or sample at random.")
    if sampling.kind == "nsga2":
        check_population(sampling.population_size)
    if sampling.kind == "cmaes" and objectives > 1:
        raise UserErrorException(
            f"{name} takes one objective, and {objectives} were given. Use Bayesian sampling."
        )
    if sampling.kind == "cmaes" and dimensions > CMAES_LIMIT:
        raise UserErrorException(
            f"{name} takes up to {CMAES_LIMIT} parameters, since its memory grows with their square, and "
            f"{dimensions:,} were given. Use Bayesian sampling."
        )


def check_population(size: int) -> None:
    """Raises UserErrorException."""
    least, most = _POPULATION
    if not least <= size <= most:
        raise UserErrorException(f"population_size is {size}. Use {least} to {most:,}.")


def why_not(sampling: Sampling, *, asked_here: bool = False) -> str | None:
    """What is missing here for this sampling and how to get it; None: nothing. Imports nothing.

    `asked_here`: the reader's Python is this one, and not another one than the server's.
    """
    if not learns(sampling):
        return None
    model = _model(sampling)
    missing = [name for name in _NEEDS[model] if find_spec(name) is None]
    if not missing:
        return None
    where, there = ("is not installed", "") if asked_here else (_OF_THE_SERVER, " there")
    how = f"Install it{there}: {_GP if model == 'gp' else _INSTALL}"
    return f"{_NAMES[model]} needs {' and '.join(missing)}, which {where}. {how}"


def why_no_export() -> str | None:
    """What is missing for an export to Optuna's files."""
    return (
        None
        if find_spec("optuna")
        else f"An export for Optuna needs optuna, which is not installed. Install it: {_INSTALL}"
    )


def _model(sampling: Sampling) -> str:
    return sampling.model if sampling.kind == "bayesian" else sampling.kind


_OF_THE_SERVER = "the Python of the workspace's server does not have"
_INSTALL = "pip install 'faena[tuning]'"
_GP = (
    "pip install 'faena[gp]'. That takes 5.6 GB, most of it CUDA's; for 1 GB without CUDA, first "
    'pip install torch --index-url https://download.pytorch.org/whl/cpu. The model "tpe" does without torch'
)
