"""v1's home of `Model`: what a script without azureml installed can ask of it."""

from faena.script.models import Model

__all__ = ["Model"]
