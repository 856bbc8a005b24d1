"""Names that a scoring script may import though nothing is installed: of v1's server, and of `inference_schema`.

What this worker itself answers for (raw requests and their answers) is always the one here; the others only where the
environment has none. `azureml.core.model` and `faena` come from the folder that scripts of runs have, too.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any

_FOLDER = os.path.dirname(os.path.abspath(__file__))
_NAMES = os.path.join(_FOLDER, "names")
_OF_SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(_FOLDER)), "script", "pythonpath")
_OURS = "azureml.contrib.services"
_installed = False


def install() -> None:
    """A second call does nothing."""
    global _installed
    if _installed:
        return
    _installed = True
    sys.path.append(_OF_SCRIPTS)
    sys.meta_path.insert(0, _Finder(_OURS))
    sys.meta_path.insert(
        1, _Finder("azureml.contrib", unless_installed=True)
    )  # other finders refuse it by name
    sys.meta_path.insert(2, _Finder("azureml.monitoring", unless_installed=True))
    sys.meta_path.append(_Finder("inference_schema"))
    import _faena_removed  # a script that was trained with names of another time is served with them

    _faena_removed.install()
    if os.environ.get("FAENA_GPU") == "cpu":
        import _faena_gpu
        import _faena_patch

        _faena_patch.install(_faena_gpu.CHANGES)


class _Finder:
    """Finds `name` and what is below it in the folder here."""

    def __init__(self, name: str, unless_installed: bool = False) -> None:
        self._name = name
        self._below = name + "."
        self._unless_installed = unless_installed

    def find_spec(self, name: str, path: Any = None, target: object = None) -> ModuleSpec | None:
        if name != self._name and not name.startswith(self._below):
            return None
        if self._unless_installed and importlib.machinery.PathFinder.find_spec(name, path) is not None:
            return None
        place = os.path.join(_NAMES, *name.split("."))
        init = os.path.join(place, "__init__.py")
        if os.path.exists(init):
            return importlib.util.spec_from_file_location(name, init, submodule_search_locations=[place])
        if os.path.exists(place + ".py"):
            return importlib.util.spec_from_file_location(name, place + ".py")
        return None
