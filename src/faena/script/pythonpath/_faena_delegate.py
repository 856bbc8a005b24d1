"""Finds the package that a folder on PYTHONPATH hides, so that it is used where it exists.

This folder comes before the environment's own packages. A `faena` or `azureml` installed there must win over the
small ones here. Where none is, the ones of the host that runs Faena are loaded if this interpreter can.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

FOLDER = os.path.dirname(os.path.abspath(__file__))


def find_hidden(name: str) -> ModuleSpec | None:
    """The spec of the top-level package `name` that would be found without this folder, or None."""
    elsewhere = [
        entry for entry in sys.path if os.path.realpath(entry or os.curdir) != os.path.realpath(FOLDER)
    ]
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        if find_spec is None:
            continue
        # Other finders, such as that of an editable install, do not look at sys.path.
        path = elsewhere if finder is importlib.machinery.PathFinder else None
        spec: ModuleSpec | None = find_spec(name, path)
        if spec is not None and not _is_ours(spec):
            return spec
    return None


def spec_in(folder: str, name: str) -> ModuleSpec | None:
    """The spec of the package `name` that lies in `folder`, without the folder's other packages; or None."""
    package = os.path.join(folder, name)
    init = os.path.join(package, "__init__.py")
    if not os.path.exists(init):
        return None
    return importlib.util.spec_from_file_location(name, init, submodule_search_locations=[package])


def load_instead(spec: ModuleSpec) -> ModuleType:
    """Runs the hidden package under its name; the import statement that got here returns it.

    Raises what its import raises; sys.modules is then as before.
    """
    before = sys.modules[spec.name]
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        if spec.loader is not None and hasattr(spec.loader, "exec_module"):  # a namespace package has no code
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules[spec.name] = before
        raise
    return sys.modules[spec.name]


def _is_ours(spec: ModuleSpec) -> bool:
    return spec.origin is not None and os.path.realpath(spec.origin).startswith(
        os.path.realpath(FOLDER) + os.sep
    )
