"""v1's home of export_to_tensorboard."""

from faena.client.tensorboard.exporting import export_to_tensorboard

__all__ = ["export_to_tensorboard"]
