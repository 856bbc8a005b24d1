"""Faena: train, track, register and serve models on machines that people own.

The public names are loaded when they are first used, so that importing faena costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module

TYPE_CHECKING = False  # typing takes longer than all that is done here
if TYPE_CHECKING:
    from typing import Any

    from faena.client.compute.cluster import Cluster
    from faena.client.data.data_reference import DataReference
    from faena.client.data.dataset import Dataset
    from faena.client.data.datastore import Datastore
    from faena.client.environments.conda_dependencies import CondaDependencies
    from faena.client.environments.environment import Environment
    from faena.client.models.model import Model
    from faena.client.runs.experiment import Experiment
    from faena.client.runs.run import Run
    from faena.client.submission.estimator import Chainer, Estimator, PyTorch, SKLearn, TensorFlow
    from faena.client.submission.run_configuration import RunConfiguration
    from faena.client.submission.script_run_config import ScriptRunConfig
    from faena.client.workspace import Workspace

__version__ = "0.1.0"

_HOMES = {
    "Chainer": "faena.client.submission.estimator",
    "Cluster": "faena.client.compute.cluster",
    "CondaDependencies": "faena.client.environments.conda_dependencies",
    "DataReference": "faena.client.data.data_reference",
    "Dataset": "faena.client.data.dataset",
    "Datastore": "faena.client.data.datastore",
    "Environment": "faena.client.environments.environment",
    "Estimator": "faena.client.submission.estimator",
    "Experiment": "faena.client.runs.experiment",
    "Model": "faena.client.models.model",
    "PyTorch": "faena.client.submission.estimator",
    "Run": "faena.client.runs.run",
    "RunConfiguration": "faena.client.submission.run_configuration",
    "SKLearn": "faena.client.submission.estimator",
    "ScriptRunConfig": "faena.client.submission.script_run_config",
    "TensorFlow": "faena.client.submission.estimator",
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
