"""v1's TensorBoard over the logs of runs."""

from faena.client.tensorboard.server import TensorBoard as Tensorboard

__all__ = ["Tensorboard"]
