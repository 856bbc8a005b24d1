"""The names of Azure ML's v1 SDK over Faena's handles.

`import azureml.core` and what belongs to it work once this distribution is installed; see `faena_azureml.supply`.
A name that is not covered raises `NotCovered`. Where the real SDK is installed it is left alone, and importing this
package warns and says what to do.
"""

from __future__ import annotations

import warnings

import _faena_azureml_finder  # noqa: F401  the .pth line has done it, unless this is on PYTHONPATH only
from faena_azureml.supply import real_sdk

TYPE_CHECKING = False  # each script that says azureml waits for this
if TYPE_CHECKING:
    from typing import Any

    from faena.kernel.errors import NotCovered

__version__ = "0.1.0"
__all__ = ["NotCovered", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "NotCovered":
        from faena.kernel.errors import NotCovered

        return NotCovered
    raise AttributeError(f"module 'faena_azureml' has no attribute {name!r}")


if (_real := real_sdk()) is not None:
    warnings.warn(
        f"The real azureml-core is installed here ({_real}), and `azureml` is that one: it speaks to the cloud. "
        "For Faena's, uninstall it (pip uninstall azureml-core and the other azureml-* packages), or use faena's own "
        "names: from faena import Workspace, Experiment, Run.",
        stacklevel=2,
    )
