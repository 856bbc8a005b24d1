"""Supplies `azureml` where nothing else does; imported by `faena_azureml.pth` as each interpreter starts.

Kept tiny, since it is part of every start; what it knows is in `faena_azureml.supply`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


class Finder:
    """The last finder to be asked: whatever else provides `azureml` has come first."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        if name != "azureml" and not name.startswith("azureml."):
            return None
        from faena_azureml.supply import find_spec

        return find_spec(name)


sys.meta_path.append(Finder)
