"""v1's data sets that Azure hosts: MNIST and Diabetes are here; the others are Azure's."""

from __future__ import annotations

from faena_azureml.not_covered import not_covered
from faena_azureml.opendatasets import MNIST, Diabetes

__all__ = ["MNIST", "Diabetes"]


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module 'azureml.opendatasets' has no attribute {name!r}")
    raise not_covered(f"azureml.opendatasets.{name}")
