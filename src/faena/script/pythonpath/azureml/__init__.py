"""`azureml` inside a run: the one installed in the run's environment, else faena-azureml's names from the host
where this interpreter can load Faena's client, else `azureml.core.Run`, with proxies for all other names where there is
a Python that has them.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

import _faena_delegate
import _faena_missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_FINDER = "_faena_azureml_finder"


def _names_of_host() -> ModuleSpec | None:
    """Those of the host's faena-azureml; the runner says where it lies."""
    folder = os.environ.get("FAENA_AZUREML")
    if not folder or sys.version_info < (3, 11):
        return None
    import faena

    if not hasattr(faena, "__version__"):  # the small one: there is no client to stand on
        return None
    finder = importlib.util.spec_from_file_location(_FINDER, os.path.join(folder, _FINDER + ".py"))
    package = _faena_delegate.spec_in(folder, "faena_azureml")
    if finder is None or package is None:
        return None
    for spec in (finder, package):
        assert spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    supply = importlib.import_module("faena_azureml.supply")
    found: ModuleSpec | None = supply.find_spec("azureml")
    return found


_spec = _faena_delegate.find_hidden("azureml")
if _spec is not None:
    _module = _faena_delegate.load_instead(_spec)
    # Last, for what the installed packages leave out (azureml-dataprep, say, comes without azureml.core).
    _module.__path__ = [*_module.__path__, os.path.dirname(os.path.abspath(__file__))]
else:
    _spec = _names_of_host()
    if _spec is not None:
        _faena_delegate.load_instead(_spec)
    else:
        import faena  # noqa: F401  it loads faena.script, whose parts follow
        from faena.script.proxies import names

        (names if names.of_v1_are_there() else _faena_missing).install()
