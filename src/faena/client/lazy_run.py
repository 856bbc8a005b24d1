"""`faena.Run` inside a run: the way to the run itself at once, all else that the handle has when it is asked for.

A training script needs `get_context()` and no handle; loading handles takes ten times as long as all of `faena.script`.
"""

from __future__ import annotations

import sys
import types
from importlib import import_module

from faena.script.run import Run as ScriptRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HOME = "faena.client.runs.run"


def _handle() -> type:
    """The class that it stands for."""
    found: type = import_module(_HOME).Run
    return found


def _loaded() -> tuple[type, ...]:
    """The classes whose objects there may be by now."""
    return (_handle(), ScriptRun) if _HOME in sys.modules else (ScriptRun,)


class _Lazy(type):
    def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> type:
        """Who inherits from it inherits from what it stands for."""
        if not bases:
            return super().__new__(cls, name, bases, space)
        real = tuple(_handle() if isinstance(base, cls) else base for base in bases)
        return types.new_class(name, real, {}, lambda made: made.update(space))

    def __call__(cls, *args: Any, **options: Any) -> Any:
        return _handle()(*args, **options)

    def __getattr__(cls, name: str) -> Any:
        return getattr(_handle(), name)

    def __dir__(cls) -> list[str]:
        return dir(_handle())

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _loaded())

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls or issubclass(subclass, _loaded())


class Run(metaclass=_Lazy):
    """A run of an experiment. Inside a training script: `Run.get_context()`."""

    @staticmethod
    def get_submitted_run(**_ignored: Any) -> ScriptRun:
        """`get_context(allow_offline=False)`."""
        return ScriptRun.get_context(allow_offline=False)

    @staticmethod
    def get_context(allow_offline: bool = True, **_ignored: Any) -> ScriptRun:
        """The run that this script belongs to; see `faena.script.run.Run`."""
        return ScriptRun.get_context(allow_offline=allow_offline)
