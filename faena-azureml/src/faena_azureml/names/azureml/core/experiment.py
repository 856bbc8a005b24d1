"""v1's home of Experiment."""

from faena.client.runs.experiment import Experiment

__all__ = ["Experiment"]
