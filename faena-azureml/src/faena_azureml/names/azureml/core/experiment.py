"""v1's home of Experiment."""

from faena.client.experiment import Experiment

__all__ = ["Experiment"]
