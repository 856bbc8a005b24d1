"""Small objects that a run hands out: its experiment, the model it registered."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping

open_workspace: Callable[[str], Any] | None = None
"""Opens the workspace in a folder; set by faena-azureml, whose Workspace has v1's words. None: Faena's own."""
elsewhere: Callable[[str], Any] | None = None
"""Gives what has the names of a module that this interpreter cannot load; set where there is a helper that can."""


class Experiment:
    """The experiment of the run: `name`, and all that `faena.Experiment` has where the script can load it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "Experiment(Name: {})".format(self.name)

    @property
    def workspace(self) -> Any:
        """The run's workspace. Raises OutsideRun where Faena's client cannot be loaded, and where no workspace is."""
        folder = os.environ.get("FAENA_WORKSPACE_FOLDER")
        if folder == "":
            from faena.script.errors import RunEnvironmentException

            raise RunEnvironmentException(
                "This script runs on another machine than its workspace, which has no folder here. What the run itself "
                "can do works: run.log, child_run, get_metrics, upload_file, register_model, Model.get_model_path. For "
                "the rest give it the address and a token: Workspace.connect(url, token)."
            )
        opened = open_workspace or _client("workspace").Workspace
        return opened(folder or "")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(_client("runs.experiment").Experiment(self.workspace, self.name), name)


class RegisteredModel:
    """What `Run.register_model` made: `name`, `version` (1, 2, …), `id` (`name:version`), `details` (as answered)."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.name = str(answer["name"])
        self.version = int(answer["version"])
        self.id = "{}:{}".format(self.name, self.version)
        self.details = dict(answer)

    def __repr__(self) -> str:
        return "Model(name={!r}, version={})".format(self.name, self.version)


def _client(module: str) -> Any:
    """A module of Faena's client. Raises OutsideRun where there is none, or no workspace to speak to."""
    import importlib

    from faena.script.errors import OutsideRun

    if "FAENA_WORKSPACE_FOLDER" in os.environ:
        try:
            return importlib.import_module("faena.client." + module)
        except (ImportError, SyntaxError):  # SyntaxError: found, and written for a newer Python than this one
            if elsewhere is not None:
                return elsewhere("faena.client." + module)
    raise OutsideRun(
        "This script has no workspace: that takes Python 3.11 or newer and the package msgspec in the "
        "run's environment, which azureml-core or faena in its pip_packages brings. run.register_model, "
        "run.get_metrics and run.upload_file work without."
    )
