"""Changes modules of frameworks after they are imported, so that no script and no framework need be edited."""

from __future__ import annotations

import importlib.util
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, Callable, Dict

_changes: Dict[str, Callable[[Any], None]] = {}


def install(changes: Dict[str, Callable[[Any], None]]) -> None:
    """Each of the modules named is changed once it is imported, or now if it has been."""
    if not _changes:
        sys.meta_path.insert(0, _Finder())
    _changes.update(changes)
    for name in changes:
        if name in sys.modules:
            _changes.pop(name)(sys.modules[name])


class _Finder:
    """Lets the other finders find, and has the module changed after it ran."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in _changes:
            return None
        change = _changes.pop(name)  # also keeps find_spec below from coming back here
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            _changes[name] = change
            return None
        spec.loader = _Loader(spec.loader, change)  # type: ignore[assignment]  # a loader by its methods, not by its class
        return spec


class _Loader:
    """The module's own loader, and a change afterwards."""

    def __init__(self, loader: Any, change: Callable[[Any], None]) -> None:
        self._loader = loader
        self._change = change

    def __getattr__(self, name: str) -> Any:  # get_source and the like: tracebacks and inspect ask for them
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._change(module)


def _change_mlflow(module: Any) -> None:
    import _faena_mlflow  # many runs, and few of them speak MLflow

    _faena_mlflow.change(module)


MLFLOW = dict.fromkeys(
    [
        "mlflow.tracking._tracking_service.utils",
        "mlflow.tracking.utils",
        "mlflow.tracking.fluent",
        "mlflow.store.artifact.artifact_repository_registry",
    ],
    _change_mlflow,
)
