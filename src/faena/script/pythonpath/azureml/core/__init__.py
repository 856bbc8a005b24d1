"""The part of v1's `azureml.core` that a training script uses: `Run`, and `Model.get_model_path`.

from azureml.core import Run
from azureml.core.run import Run
"""

from __future__ import annotations

import _faena_missing

from faena.script.run import Run

VERSION = __version__ = "1.61.0+faena"
"""The last version of v1 whose `Run` this follows; the suffix says who speaks."""

__all__ = ["VERSION", "Run"]

_V1_NAMES = frozenset(
    [
        "ComputeTarget",
        "ContainerRegistry",
        "Dataset",
        "Datastore",
        "Environment",
        "Experiment",
        "Image",
        "Keyvault",
        "RunConfiguration",
        "ScriptRun",
        "ScriptRunConfig",
        "Webservice",
        "Workspace",
        "get_run",
    ]
)


def __getattr__(name: str) -> object:
    if name == "Model":
        from faena.script.models import Model  # few scripts need it, and each import costs them

        return Model
    if name in _V1_NAMES:
        return _faena_missing.stand_in(
            "azureml.core." + name
        )  # tutorials import what their scripts never use
    raise AttributeError("module 'azureml.core' has no attribute {!r}".format(name))
