"""v1's environments and configurations: those of Faena, which begin with v1's default packages."""

from __future__ import annotations

from faena.client.environments import environment as faena
from faena.client.environments.conda_dependencies import CondaDependencies
from faena.client.submission import run_configuration, script_run_config


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
