"""An inner home of v1's hyperparameter search; it comes later."""

from azureml.train.hyperdrive import (
    HyperDriveRun,
    PrimaryMetricGoal,
)

__all__ = [
    "HyperDriveRun",
    "PrimaryMetricGoal",
]
