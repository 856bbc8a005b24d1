"""v1's main package. Its names are loaded when they are first used: importing them all would cost what few need."""

from __future__ import annotations

from faena.script import handles
from faena_azureml.lazy import loader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from azureml.core.compute import ComputeTarget
    from azureml.core.container_registry import ContainerRegistry
    from azureml.core.dataset import Dataset
    from azureml.core.datastore import Datastore
    from azureml.core.environment import Environment
    from azureml.core.experiment import Experiment
    from azureml.core.image import Image
    from azureml.core.keyvault import Keyvault
    from azureml.core.model import Model
    from azureml.core.run import Run, get_run
    from azureml.core.runconfig import RunConfiguration
    from azureml.core.script_run import ScriptRun
    from azureml.core.script_run_config import ScriptRunConfig
    from azureml.core.webservice import Webservice
    from azureml.core.workspace import Workspace

    from faena_azureml.telemetry import diagnostic_log

VERSION = __version__ = "1.61.0+faena"
"""The last version of v1 whose names these are; the suffix says who speaks."""


def _open_workspace(folder: str) -> Any:
    from faena_azureml.workspace import Workspace  # few scripts ask

    return Workspace.of_folder(folder)


handles.open_workspace = _open_workspace

_HOMES = {
    "ComputeTarget": "azureml.core.compute",
    "ContainerRegistry": "azureml.core.container_registry",
    "Dataset": "azureml.core.dataset",
    "Datastore": "azureml.core.datastore",
    "Environment": "azureml.core.environment",
    "Experiment": "azureml.core.experiment",
    "Image": "azureml.core.image",
    "Keyvault": "azureml.core.keyvault",
    "Model": "azureml.core.model",
    "Run": "azureml.core.run",
    "RunConfiguration": "azureml.core.runconfig",
    "ScriptRun": "azureml.core.script_run",
    "ScriptRunConfig": "azureml.core.script_run_config",
    "Webservice": "azureml.core.webservice",
    "Workspace": "azureml.core.workspace",
    "diagnostic_log": "faena_azureml.telemetry",
    "get_run": "azureml.core.run",
}

__all__ = [
    "VERSION",
    "ComputeTarget",
    "ContainerRegistry",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Image",
    "Keyvault",
    "Model",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "Webservice",
    "Workspace",
    "__version__",
    "diagnostic_log",
    "get_run",
]
__getattr__, __dir__ = loader(__name__, _HOMES)
