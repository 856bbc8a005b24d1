"""Faena: train, track, register and serve models on machines that people own.

The public names are loaded when they are first used, so that importing faena costs nothing.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

TYPE_CHECKING = False  # typing takes longer than all that is done here
if TYPE_CHECKING:
    from typing import Any

    from faena.client.compute.cluster import Cluster
    from faena.client.compute.joined_cluster import JoinedCluster
    from faena.client.compute.ray_cluster import RayCluster
    from faena.client.data.data_reference import DataReference
    from faena.client.data.dataset import Dataset
    from faena.client.data.datastore import Datastore
    from faena.client.endpoints.inference_config import InferenceConfig
    from faena.client.endpoints.webservice import LocalWebservice, Webservice
    from faena.client.environments.conda_dependencies import CondaDependencies
    from faena.client.environments.environment import Environment
    from faena.client.models.model import Model
    from faena.client.runs.experiment import Experiment
    from faena.client.runs.run import Run
    from faena.client.runs.sweep_run import HyperDriveRun
    from faena.client.submission.estimator import Estimator
    from faena.client.submission.framework_estimators import Chainer, PyTorch, SKLearn, TensorFlow
    from faena.client.submission.run_configuration import RunConfiguration
    from faena.client.submission.script_run_config import ScriptRunConfig
    from faena.client.sweeps.asking import Asking
    from faena.client.sweeps.config import HyperDriveConfig, PrimaryMetricGoal
    from faena.client.sweeps.expressions import (
        choice,
        flag,
        lognormal,
        loguniform,
        normal,
        qlognormal,
        qloguniform,
        qnormal,
        quniform,
        randint,
        uniform,
    )
    from faena.client.sweeps.policies import (
        AshaPolicy,
        BanditPolicy,
        HyperbandPolicy,
        MedianStoppingPolicy,
        NoTerminationPolicy,
        TruncationSelectionPolicy,
    )
    from faena.client.sweeps.samplings import (
        BayesianParameterSampling,
        CmaEsParameterSampling,
        GridParameterSampling,
        Nsga2ParameterSampling,
        PopulationBasedTraining,
        RandomParameterSampling,
        SobolParameterSampling,
    )
    from faena.client.traces.evaluation_set import EvaluationSet
    from faena.client.traces.trace import Trace
    from faena.client.workspace import Workspace
    from faena.notebook.run_details import RunDetails
    from faena.notebook.show import show

__version__ = "0.1.0"

_HOMES = {
    "AshaPolicy": "faena.client.sweeps.policies",
    "Asking": "faena.client.sweeps.asking",
    "BanditPolicy": "faena.client.sweeps.policies",
    "BayesianParameterSampling": "faena.client.sweeps.samplings",
    "Chainer": "faena.client.submission.framework_estimators",
    "Cluster": "faena.client.compute.cluster",
    "CmaEsParameterSampling": "faena.client.sweeps.samplings",
    "CondaDependencies": "faena.client.environments.conda_dependencies",
    "DataReference": "faena.client.data.data_reference",
    "Dataset": "faena.client.data.dataset",
    "Datastore": "faena.client.data.datastore",
    "Environment": "faena.client.environments.environment",
    "Estimator": "faena.client.submission.estimator",
    "EvaluationSet": "faena.client.traces.evaluation_set",
    "Experiment": "faena.client.runs.experiment",
    "GridParameterSampling": "faena.client.sweeps.samplings",
    "HyperDriveConfig": "faena.client.sweeps.config",
    "HyperDriveRun": "faena.client.runs.sweep_run",
    "HyperbandPolicy": "faena.client.sweeps.policies",
    "InferenceConfig": "faena.client.endpoints.inference_config",
    "JoinedCluster": "faena.client.compute.joined_cluster",
    "RayCluster": "faena.client.compute.ray_cluster",
    "LocalWebservice": "faena.client.endpoints.webservice",
    "MedianStoppingPolicy": "faena.client.sweeps.policies",
    "Model": "faena.client.models.model",
    "NoTerminationPolicy": "faena.client.sweeps.policies",
    "Nsga2ParameterSampling": "faena.client.sweeps.samplings",
    "PopulationBasedTraining": "faena.client.sweeps.samplings",
    "PrimaryMetricGoal": "faena.client.sweeps.config",
    "PyTorch": "faena.client.submission.framework_estimators",
    "RandomParameterSampling": "faena.client.sweeps.samplings",
    "Run": "faena.client.runs.run",
    "RunConfiguration": "faena.client.submission.run_configuration",
    "RunDetails": "faena.notebook.run_details",
    "SKLearn": "faena.client.submission.framework_estimators",
    "ScriptRunConfig": "faena.client.submission.script_run_config",
    "SobolParameterSampling": "faena.client.sweeps.samplings",
    "TensorFlow": "faena.client.submission.framework_estimators",
    "Trace": "faena.client.traces.trace",
    "TruncationSelectionPolicy": "faena.client.sweeps.policies",
    "Webservice": "faena.client.endpoints.webservice",
    "Workspace": "faena.client.workspace",
    "choice": "faena.client.sweeps.expressions",
    "flag": "faena.client.sweeps.expressions",
    "load_ipython_extension": "faena.cli.magics",
    "lognormal": "faena.client.sweeps.expressions",
    "loguniform": "faena.client.sweeps.expressions",
    "normal": "faena.client.sweeps.expressions",
    "qlognormal": "faena.client.sweeps.expressions",
    "qloguniform": "faena.client.sweeps.expressions",
    "qnormal": "faena.client.sweeps.expressions",
    "quniform": "faena.client.sweeps.expressions",
    "randint": "faena.client.sweeps.expressions",
    "show": "faena.notebook.show",
    "uniform": "faena.client.sweeps.expressions",
    "unload_ipython_extension": "faena.cli.magics",
}

__all__ = [
    "AshaPolicy",
    "Asking",
    "BanditPolicy",
    "BayesianParameterSampling",
    "Chainer",
    "Cluster",
    "CmaEsParameterSampling",
    "CondaDependencies",
    "DataReference",
    "Dataset",
    "Datastore",
    "Environment",
    "Estimator",
    "EvaluationSet",
    "Experiment",
    "GridParameterSampling",
    "HyperDriveConfig",
    "HyperDriveRun",
    "HyperbandPolicy",
    "InferenceConfig",
    "JoinedCluster",
    "LocalWebservice",
    "MedianStoppingPolicy",
    "Model",
    "NoTerminationPolicy",
    "Nsga2ParameterSampling",
    "PopulationBasedTraining",
    "PrimaryMetricGoal",
    "PyTorch",
    "RandomParameterSampling",
    "RayCluster",
    "Run",
    "RunConfiguration",
    "RunDetails",
    "SKLearn",
    "ScriptRunConfig",
    "SobolParameterSampling",
    "TensorFlow",
    "Trace",
    "TruncationSelectionPolicy",
    "Webservice",
    "Workspace",
    "__version__",
    "choice",
    "flag",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "show",
    "uniform",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'faena' has no attribute {name!r}")
    home = _HOMES[name]
    if name == "Run" and "FAENA_RUN_ID" in os.environ:
        home = "faena.client.lazy_run"
    value = getattr(import_module(home), name)
    globals()[name] = value
    if "ipykernel" in sys.modules and "FAENA_RUN_ID" not in os.environ:  # a notebook that uses Faena
        import_module("faena.script.own_process").answer_dead_data()
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
