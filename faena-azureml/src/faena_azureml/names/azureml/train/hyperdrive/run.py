"""v1's home of HyperDriveRun and of the goal of its metric."""

from faena_azureml.hyperdrive.config import PrimaryMetricGoal
from faena_azureml.hyperdrive.run import HyperDriveRun

__all__ = ["HyperDriveRun", "PrimaryMetricGoal"]
