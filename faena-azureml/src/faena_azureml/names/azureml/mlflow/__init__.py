"""v1's plug-in of MLflow. Here MLflow's own client speaks with the workspace: nothing is plugged in."""

from faena_azureml import __version__
from faena_azureml.mlflow import get_mlflow_tracking_uri, get_portal_url, register_model

VERSION = __version__

__all__ = ["VERSION", "__version__", "get_mlflow_tracking_uri", "get_portal_url", "register_model"]
