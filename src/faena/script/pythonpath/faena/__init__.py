"""`faena` inside a run: the one installed in the run's environment, else that of the host that runs it where this
interpreter can load it (Python 3.11, msgspec), else only what a training script needs.

from faena import Run
"""

from __future__ import annotations

import importlib.util
import os
import sys

import _faena_delegate
import _faena_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_faena_start.install()

_INSTALLED_FROM = (3, 11)


_NEEDS = "msgspec"
_HOST = os.path.dirname(os.path.dirname(os.path.dirname(_faena_delegate.FOLDER)))
"""The folder that holds the host's faena, this file's own."""


def _load_whole() -> bool:
    """Whether there was one to load, installed here or on the host."""
    if sys.version_info < _INSTALLED_FROM:
        return False
    spec = _faena_delegate.find_hidden("faena")
    if spec is None or spec.origin is None:  # a bare folder called faena is not the package
        if importlib.util.find_spec(_NEEDS) is None:
            return False
        spec = _faena_delegate.spec_in(_HOST, "faena")
        if spec is None:
            return False
    try:
        _faena_delegate.load_instead(spec)
    except ImportError as error:
        sys.stderr.write(
            "faena: the installed faena cannot be imported ({}); only Run is there.\n".format(error)
        )
        return False
    return True


def _load_script() -> ModuleType:
    """`faena.script` from the folder that this one lies in, whose other packages need more than a script has."""
    folder = os.path.dirname(_faena_delegate.FOLDER)
    spec = importlib.util.spec_from_file_location(
        "faena.script", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["faena.script"] = module
    spec.loader.exec_module(module)
    return module


if not _load_whole():
    script = _load_script()
    from faena.script.proxies import names as _names

    if _names.are_there():
        Run = _names.run_class()
    else:
        from faena.script.run import Run

    __all__ = ["Run"]


def __getattr__(name: str) -> object:
    if name in ("load_ipython_extension", "unload_ipython_extension"):
        from faena.script.proxies import magics  # notebooks alone need them

        return getattr(magics, name)
    if _names.are_there():
        return _names.find("faena", name)
    if name == "Model":
        from faena.script.models import Model  # few scripts need it, and each import costs them

        return Model
    if name[:1].isupper():
        raise ImportError(
            "faena.{} needs Python {}.{} or newer and the package {} in the run's environment: add faena to its "
            "pip_packages. Without it a script has faena.Run and faena.Model.".format(
                name, *_INSTALLED_FROM, _NEEDS
            )
        )
    raise AttributeError("module 'faena' has no attribute {!r}".format(name))
