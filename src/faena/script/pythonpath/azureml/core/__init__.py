"""The part of v1's `azureml.core` that a training script uses: `Run`, and `Model.get_model_path`.

from azureml.core import Run
from azureml.core.run import Run
"""

from __future__ import annotations

import os

import _faena_missing

from faena.script.proxies import names

if names.of_v1_are_there():
    Run = names.run_class()
else:
    from faena.script.run import Run

VERSION = __version__ = "1.61.0+faena"
"""The last version of v1 whose `Run` this follows; the suffix says who speaks."""

__all__ = ["VERSION", "Run"]

_CLASSES = frozenset(
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
    ]
)


def __getattr__(name: str) -> object:
    if names.of_v1_are_there():
        found = _found(name)
        globals()[name] = found
        return found
    if name == "Model":
        from faena.script.models import Model  # few scripts need it, and each import costs them

        return Model
    if name in _CLASSES or name == "get_run":
        return _faena_missing.stand_in(
            "azureml.core." + name
        )  # tutorials import what their scripts never use
    raise AttributeError("module 'azureml.core' has no attribute {!r}".format(name))


def _found(name: str) -> object:
    """Its proxy. In a script none is asked for before it is used: tutorials import what their scripts never use."""
    in_script = "FAENA_RUN_ID" in os.environ and (name in _CLASSES or name == "Model")
    return names.later(__name__, name) if in_script else names.find(__name__, name)
