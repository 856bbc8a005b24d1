"""v1's home of Run; `_OfflineRun` because scripts test for it."""

from faena import Run
from faena.script.run import _OfflineRun
from faena_azureml.run import get_run

__all__ = ["Run", "_OfflineRun", "get_run"]
