"""v1's home of `Model`: what a script without azureml installed can ask of it."""

from __future__ import annotations

from faena.script.models import Model
from faena.script.proxies import names

if names.of_v1_are_there():
    del Model

__all__ = ["Model"]


def __getattr__(name: str) -> object:
    if names.of_v1_are_there():
        return names.find(__name__, name)
    raise AttributeError("module 'azureml.core.model' has no attribute {!r}".format(name))
