"""`azureml` inside a run: the one installed in the run's environment, and `azureml.core.Run` where it is not."""

from __future__ import annotations

import os

import _faena_delegate  # type: ignore[import-not-found]

_spec = _faena_delegate.find_hidden("azureml")
if _spec is not None:
    _module = _faena_delegate.load_instead(_spec)
    # Last, for what the installed packages leave out (azureml-dataprep, say, comes without azureml.core).
    _module.__path__ = [*_module.__path__, os.path.dirname(os.path.abspath(__file__))]
