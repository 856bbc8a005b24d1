"""Hooks of runs in a process of the user's own, such as a notebook's kernel: what a run has from its start."""

from __future__ import annotations

import os
import sys
from importlib.util import spec_from_file_location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pythonpath")
_OURS = "_faena_"


def answer_dead_data() -> None:
    """Data sets whose address has died are answered from now on; a second call, or one in a run, does nothing."""
    if _find_ours("_faena_dead_data"):
        import _faena_dead_data
        import _faena_patch

        _faena_patch.install(_faena_dead_data.CHANGES)


def answer_removed_names() -> None:
    """The same of names that were removed since 2019."""
    if _find_ours("_faena_removed"):
        import _faena_removed

        _faena_removed.install()


def _find_ours(name: str) -> bool:
    """Has modules of that folder be found, which is on the path of runs alone; whether this one was not there yet."""
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.append(_Finder())
    return name not in sys.modules


class _Finder:
    """Finds modules by the beginning of their names, and not the packages that lie beside them."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        file = os.path.join(_FOLDER, name + ".py")
        if not name.startswith(_OURS) or "." in name or not os.path.exists(file):
            return None
        return spec_from_file_location(name, file)
