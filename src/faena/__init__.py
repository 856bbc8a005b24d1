"""Faena: train, track, register and serve models on machines that people own.

The public names are loaded when they are first used, so that importing faena costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module

TYPE_CHECKING = False  # typing takes longer than all that is done here
if TYPE_CHECKING:
    from typing import Any

    from faena.client.cluster import Cluster
    from faena.client.conda_dependencies import CondaDependencies
    from faena.client.data_reference import DataReference
    from faena.client.dataset import Dataset
    from faena.client.datastore import Datastore
    from faena.client.environment import Environment
    from faena.client.estimator import Chainer, Estimator, PyTorch, SKLearn, TensorFlow
    from faena.client.experiment import Experiment
    from faena.client.model import Model
    from faena.client.run import Run
    from faena.client.run_configuration import RunConfiguration
    from faena.client.script_run_config import ScriptRunConfig
    from faena.client.workspace import Workspace

__version__ = "0.1.0"

_HOMES = {
    "Chainer": "faena.client.estimator",
    "Cluster": "faena.client.cluster",
    "CondaDependencies": "faena.client.conda_dependencies",
    "DataReference": "faena.client.data_reference",
    "Dataset": "faena.client.dataset",
    "Datastore": "faena.client.datastore",
    "Environment": "faena.client.environment",
    "Estimator": "faena.client.estimator",
    "Experiment": "faena.client.experiment",
    "Model": "faena.client.model",
    "PyTorch": "faena.client.estimator",
    "Run": "faena.client.run",
    "RunConfiguration": "faena.client.run_configuration",
    "SKLearn": "faena.client.estimator",
    "ScriptRunConfig": "faena.client.script_run_config",
    "TensorFlow": "faena.client.estimator",
    "Workspace": "faena.client.workspace",
}

__all__ = [
    "Chainer",
    "Cluster",
    "CondaDependencies",
    "DataReference",
    "Dataset",
    "Datastore",
    "Environment",
    "Estimator",
    "Experiment",
    "Model",
    "PyTorch",
    "Run",
    "RunConfiguration",
    "SKLearn",
    "ScriptRunConfig",
    "TensorFlow",
    "Workspace",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'faena' has no attribute {name!r}")
    home = _HOMES[name]
    if name == "Run" and "FAENA_RUN_ID" in os.environ:
        home = "faena.client.lazy_run"
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
