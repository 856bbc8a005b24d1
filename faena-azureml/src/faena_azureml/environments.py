"""v1's environments and configurations: those of Faena, which begin with v1's default packages."""

from __future__ import annotations

from typing import Any

import msgspec

from faena.client.environments import environment as faena
from faena.client.environments.conda_dependencies import CondaDependencies
from faena.client.submission import run_configuration, script_run_config
from faena.runs.submission_schemas import Submission


class Environment(faena.Environment):
    """See faena.Environment. A new one has `azureml-defaults`, with what that brought."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.python.conda_dependencies = CondaDependencies()


class RunConfiguration(run_configuration.RunConfiguration):
    __doc__ = run_configuration.RunConfiguration.__doc__
    environment_kind = Environment


class ScriptRunConfig(script_run_config.ScriptRunConfig):
    __doc__ = script_run_config.ScriptRunConfig.__doc__
    configuration_kind = RunConfiguration

    def submission(self, **given: Any) -> Submission:
        """As `faena.ScriptRunConfig.submission`. v1 had no word for a GPU: the environment says that one is wanted."""
        sent = super().submission(**given)
        if sent.gpu == "none" and _is_for_gpu(self.run_config.environment):
            return msgspec.structs.replace(sent, gpu="auto")
        return sent


_GPU_WORDS = ("cuda", "gpu")
"""In the name of an image, a curated environment or a package."""


def _is_for_gpu(environment: faena.Environment) -> bool:
    packages = environment.python.conda_dependencies
    named = [
        environment.docker.base_image or "",
        environment.name if environment.name.startswith("AzureML-") else "",
        *(() if packages is None else (*packages.pip_packages, *packages.conda_packages)),
    ]
    return any(word in str(each).lower() for each in named for word in _GPU_WORDS)
