"""v1's home of `Model`: what a script without azureml installed can ask of it."""

from __future__ import annotations

from faena.script.proxies import names

if not names.of_v1_are_there():
    from faena.script.models import Model

__all__ = ["Model"]


def __getattr__(name: str) -> object:
    if names.of_v1_are_there():
        from azureml import core

        return core.Model if name == "Model" else names.find(__name__, name)
    raise AttributeError("module 'azureml.core.model' has no attribute {!r}".format(name))
