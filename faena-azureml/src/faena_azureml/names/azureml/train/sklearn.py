"""v1's estimator of scikit-learn."""

from faena_azureml.estimators import SKLearn

__all__ = ["SKLearn"]
