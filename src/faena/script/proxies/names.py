"""What of Faena's and v1's names is not in this process: proxies, each made when it is first asked for."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec

from faena.script import handles, lazy_classes
from faena.script.errors import ClientMissing
from faena.script.run import Run as ScriptRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Dict, List, Optional, Tuple

_MODULE: Any = type(sys)  # `types` would cost its import
_V1 = "azureml"
PYTHON = "FAENA_PYTHON"
"""The environment variable that names the Python that has Faena: set by nodes, and by kernels of `faena lab`."""
_RUN = ("faena.client.runs.run", "Run")
_runs: List[Any] = []


def are_there() -> bool:
    """Whether a helper can be started, as far as is known."""
    return bool(os.environ.get(PYTHON))


def of_v1_are_there() -> bool:
    """Whether it has v1's names, likewise."""
    return bool(os.environ.get(PYTHON)) and bool(os.environ.get("FAENA_AZUREML"))


def find(module: str, name: str) -> Any:
    """The value of `name` in the helper's `module`. Raises AttributeError, ClientMissing, what its import raises."""
    if name.startswith("__"):
        raise AttributeError("module {!r} has no attribute {!r}".format(module, name))
    from faena.script.proxies import session  # few scripts need it, and each import costs them

    return session.current().ask("member", module, name)


def names_of(module: str) -> List[str]:
    """Those that the helper's module has, for completion."""
    from faena.script.proxies import session

    about = session.current().ask("module", module)
    return [] if about is None else about["all"] or about["names"]


def later(module: str, name: str) -> Any:
    """A class that is looked for when it is used: scripts import names that they never use."""

    def handle() -> Any:
        return find(module, name)

    def loaded() -> Tuple[type, ...]:
        return (handle(),) if session_has_begun() else ()

    space = {"__module__": module, "_handle": staticmethod(handle), "_loaded": staticmethod(loaded)}
    return lazy_classes.Lazy(name, (), space)


def session_has_begun() -> bool:
    """Whether there can be objects of the helper's."""
    asking = sys.modules.get("faena.script.proxies.asking")
    return asking is not None and asking.if_started() is not None


class Elsewhere:
    """A module of the helper's, for who asks it for names."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return find(self._module, name)


def run_class() -> Any:
    """`Run`: `get_context` is of this process, all else of the helper's handle."""
    if not _runs:
        handles.elsewhere = Elsewhere

        def handle() -> Any:
            return find(*_RUN)

        def loaded() -> Tuple[type, ...]:
            from faena.script.proxies import classes

            known = classes.known(*_RUN)
            return (ScriptRun,) if known is None else (known, ScriptRun)

        _runs.append(lazy_classes.run(handle, loaded))
    return _runs[0]


def install() -> None:
    """Has imports of v1's modules answered, once all other finders have looked."""
    sys.meta_path.append(_Finder())
    handles.open_workspace = _open_workspace


def _open_workspace(folder: str) -> Any:
    return find("azureml.core", "Workspace").of_folder(folder)


class _Finder:
    def find_spec(self, name: str, path: object = None, target: object = None) -> Optional[ModuleSpec]:
        if not name.startswith(_V1 + "."):
            return None
        from faena.script.proxies import session

        try:
            about = session.current().ask("module", name)
        except ClientMissing as error:
            raise ImportError("{} is not there: {}".format(name, error.message)) from None
        if about is None:
            return None
        return ModuleSpec(name, _Loader(about), is_package=about["package"])  # type: ignore[arg-type]  # as above


class _Loader:
    def __init__(self, about: Dict[str, Any]) -> None:
        self._about = about

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name, self._about["doc"])

    def exec_module(self, module: ModuleType) -> None:
        if self._about["all"]:
            vars(module)["__all__"] = list(self._about["all"])
        vars(module)["_faena_names"] = list(self._about["all"] or self._about["names"])


class _Module(_MODULE):  # type: ignore[misc]  # it is a class of modules
    """A module of the helper's."""

    def __getattr__(self, name: str) -> Any:
        if name == "Run":
            return run_class()
        found = find(self.__name__, name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> List[str]:
        return sorted({*vars(self), *vars(self)["_faena_names"]})
