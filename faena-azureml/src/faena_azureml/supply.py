"""Where `azureml` and its modules come from when nothing else provides them.

Three cases:

- Nobody provides `azureml`: it is the folder `names/azureml` here.
- Somebody does, with `azureml.core`: that is the real SDK, and nothing of ours is mixed into it.
- Somebody does, without `azureml.core` (azureml-dataprep alone; a folder that happens to be called azureml): what they
  lack comes from here.

Modules of v1 that are not covered are found, too; importing one raises NotCovered, which says what to use instead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path

TYPE_CHECKING = False  # typing and importlib.abc take longer than all that is done here
if TYPE_CHECKING:
    from importlib.abc import Loader
    from types import ModuleType
else:
    Loader = object

FOLDER = Path(__file__).parent / "names" / "azureml"
_RUN_FOLDER_MARK = "_faena_delegate.py"
"""Lies in the folder that a run's PYTHONPATH gains, beside a small `azureml` that is ours as well."""


def find_spec(name: str) -> ModuleSpec | None:
    """The module `azureml` or one below it, which no other finder has; None where there is none."""
    if name == "azureml":
        return spec_from_file_location(name, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)])
    top = getattr(sys.modules.get("azureml"), "__path__", ())
    if list(top) != [str(FOLDER)]:
        if _core(top) is not None:
            return None
        parent, _, _ = name.rpartition(".")
        if parent == "azureml" and (spec := PathFinder.find_spec(name, [str(FOLDER)])) is not None:
            return spec
    from faena_azureml.not_covered import entry_of_module

    return ModuleSpec(name, _Refusing()) if entry_of_module(name) is not None else None


def real_sdk() -> str | None:
    """Where the real azureml.core is installed; None where it is not."""
    top = PathFinder.find_spec("azureml")
    return None if top is None else _core(top.submodule_search_locations or ())


def _core(path: Iterable[str]) -> str | None:
    """Where somebody else's azureml.core lies, among the places of their `azureml`."""
    theirs = [
        place
        for place in path
        if place != str(FOLDER) and not Path(place).with_name(_RUN_FOLDER_MARK).exists()
    ]
    spec = PathFinder.find_spec("azureml.core", theirs)
    return spec.origin if spec is not None else None


class _Refusing(Loader):
    """Loads a module of v1 that is not covered: raises NotCovered."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from faena_azureml.not_covered import not_covered

        raise not_covered(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Never reached: there is no module to run."""
