"""v1's home of `Run`; `_OfflineRun` because scripts test for it."""

from faena.script.run import Run, _OfflineRun

__all__ = ["Run", "_OfflineRun"]
