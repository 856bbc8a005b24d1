"""Faena: train, track, register and serve models on machines that people own.

The public names are loaded when they are first used, so that importing faena costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faena.client.cluster import Cluster
    from faena.client.conda_dependencies import CondaDependencies
    from faena.client.environment import Environment
    from faena.client.estimator import Chainer, Estimator
    from faena.client.experiment import Experiment
    from faena.client.model import Model
    from faena.client.run import Run
    from faena.client.workspace import Workspace

__version__ = "0.1.0"

_HOMES = {
    "Chainer": "faena.client.estimator",
    "Cluster": "faena.client.cluster",
    "CondaDependencies": "faena.client.conda_dependencies",
    "Environment": "faena.client.environment",
    "Estimator": "faena.client.estimator",
    "Experiment": "faena.client.experiment",
    "Model": "faena.client.model",
    "Run": "faena.client.run",
    "Workspace": "faena.client.workspace",
}

__all__ = [
    "Chainer",
    "Cluster",
    "CondaDependencies",
    "Environment",
    "Estimator",
    "Experiment",
    "Model",
    "Run",
    "Workspace",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'faena' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
