"""v1's home of Estimator."""

from faena_azureml.estimators import Estimator

__all__ = ["Estimator"]
