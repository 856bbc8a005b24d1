"""v1's home of samplings."""

from faena.client.sweeps.samplings import HyperParameterSampling, RandomParameterSampling
from faena_azureml.hyperdrive.samplings import BayesianParameterSampling, GridParameterSampling

__all__ = [
    "BayesianParameterSampling",
    "GridParameterSampling",
    "HyperParameterSampling",
    "RandomParameterSampling",
]
