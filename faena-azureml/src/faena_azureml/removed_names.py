"""Names that were removed since v1's time, for notebooks and scripts of the user's own process that use v1's names.

In a run they are answered from its start; see `_faena_removed.py`, which is shared.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import faena.script

_MODULES = ("_faena_patch", "_faena_removed_names", "_faena_removed")
_FOLDER = Path(faena.script.__file__).with_name("pythonpath")


def install() -> None:
    """Answer from now on; a second call, or one in a run, does nothing."""
    for name in _MODULES:
        if name in sys.modules:
            continue
        spec = spec_from_file_location(name, _FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    sys.modules["_faena_removed"].install()
