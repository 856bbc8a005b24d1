"""Classes that are loaded when they are used: what `Run` is beside the way to the run itself, and names that scripts
import and never use.
"""

from __future__ import annotations

from faena.script.run import Run as ScriptRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple


class Lazy(type):
    """Of a class that stands for another one."""

    _handle: Callable[[], type]
    """Gives that one."""
    _loaded: Callable[[], Tuple[type, ...]]
    """Those whose objects there may be by now."""

    def __new__(cls, name: str, bases: Tuple[type, ...], space: Dict[str, Any]) -> type:
        """Who inherits from it inherits from what it stands for."""
        if not bases:
            return super().__new__(cls, name, bases, space)
        import types  # few scripts need it, and each import costs them

        real = tuple(base._handle() if isinstance(base, cls) else base for base in bases)
        return types.new_class(name, real, {}, lambda made: made.update(space))

    def __call__(cls, *args: Any, **options: Any) -> Any:
        return cls._handle()(*args, **options)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls._handle(), name)

    def __dir__(cls) -> List[str]:
        return dir(cls._handle())

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls._loaded())

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls or issubclass(subclass, cls._loaded())


def run(handle: Callable[[], type], loaded: Callable[[], Tuple[type, ...]]) -> Any:
    """`handle`: gives the class that it stands for; `loaded`: those whose objects there may be by now."""

    class Run(metaclass=Lazy):
        """A run of an experiment. Inside a training script: `Run.get_context()`."""

        _handle = staticmethod(handle)
        _loaded = staticmethod(loaded)

        @staticmethod
        def get_submitted_run(**_ignored: Any) -> ScriptRun:
            """`get_context(allow_offline=False)`."""
            return ScriptRun.get_context(allow_offline=False)

        @staticmethod
        def get_context(allow_offline: bool = True, **_ignored: Any) -> ScriptRun:
            """The run that this script belongs to; see `faena.script.run.Run`."""
            return ScriptRun.get_context(allow_offline=allow_offline)

    return Run
