"""v1's home of `Run`; `_OfflineRun` because scripts test for it."""

from __future__ import annotations

from azureml.core import Run

from faena.script.proxies import names
from faena.script.run import _OfflineRun

__all__ = ["Run", "_OfflineRun"]


def __getattr__(name: str) -> object:
    if names.of_v1_are_there():
        return names.find(__name__, name)
    raise AttributeError("module 'azureml.core.run' has no attribute {!r}".format(name))
