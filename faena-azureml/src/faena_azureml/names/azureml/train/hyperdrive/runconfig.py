"""An inner home of v1's hyperparameter search; it comes later."""

from azureml.train.hyperdrive import (
    HyperDriveConfig,
    HyperDriveRunConfig,
)

__all__ = [
    "HyperDriveConfig",
    "HyperDriveRunConfig",
]
