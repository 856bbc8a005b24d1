"""v1's home of Environment; CondaDependencies and DEFAULT images because notebooks take them from here."""

from faena.client.environments.conda_dependencies import CondaDependencies
from faena_azureml.environments import Environment
from faena_azureml.run_configuration import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE

__all__ = ["DEFAULT_CPU_IMAGE", "DEFAULT_GPU_IMAGE", "CondaDependencies", "Environment"]
