"""`faena.Run` inside a run: the way to the run itself at once, all else that the handle has when it is asked for.

A training script needs `get_context()` and no handle; loading handles takes ten times as long as all of `faena.script`.
"""

from __future__ import annotations

import sys
from importlib import import_module

from faena.script import lazy_classes
from faena.script.run import Run as ScriptRun

_HOME = "faena.client.runs.run"


def _handle() -> type:
    """The class that it stands for."""
    found: type = import_module(_HOME).Run
    return found


def _loaded() -> tuple[type, ...]:
    """The classes whose objects there may be by now."""
    return (_handle(), ScriptRun) if _HOME in sys.modules else (ScriptRun,)


Run = lazy_classes.run(_handle, _loaded)
