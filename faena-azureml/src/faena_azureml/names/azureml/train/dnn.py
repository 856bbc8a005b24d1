"""v1's estimators of neural networks."""

from faena.client.estimator import Chainer

__all__ = ["Chainer"]
