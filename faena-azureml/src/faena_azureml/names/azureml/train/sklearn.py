"""v1's estimator of scikit-learn."""

from faena.client.estimator import SKLearn

__all__ = ["SKLearn"]
