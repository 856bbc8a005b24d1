"""v1's home of Estimator."""

from faena.client.estimator import Estimator

__all__ = ["Estimator"]
