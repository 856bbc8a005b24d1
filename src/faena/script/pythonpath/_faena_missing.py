"""What of v1's names is not there in a run whose interpreter cannot load Faena's client: an error that says so."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_MODULES = frozenset(
    ["contrib", "core", "data", "exceptions", "mlflow", "telemetry", "tensorboard", "train", "widgets"]
)
_PLANNED = {
    "azureml.mlflow": "MLflow clients that log into the workspace. It is planned for a later release, whose server "
    "answers MLflow's clients. Log with Run.get_context().log, or keep MLflow's own store below ./outputs."
}


def missing(name: str) -> ImportError:
    """The error for the dotted `name`."""
    if name in _PLANNED:
        return ImportError("{} is not covered: {}".format(name, _PLANNED[name]))
    return ImportError(
        "{} is not there inside this run: only azureml.core.Run is. It takes faena-azureml on the host, Python 3.11 or "
        "newer and azureml-core in pip_packages.".format(name)
    )


def install() -> None:
    """Has imports of v1's other modules say so, once all other finders have looked."""
    sys.meta_path.append(_Finder())


class _Finder:
    """Finds v1's modules, and refuses to load them."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        parts = name.split(".")
        if parts[0] != "azureml" or len(parts) < 2 or parts[1] not in _MODULES:
            return None
        return ModuleSpec(name, self)  # type: ignore[arg-type]  # importlib.abc would cost its import

    def create_module(self, spec: ModuleSpec) -> NoReturn:
        raise missing(spec.name)

    def exec_module(self, module: object) -> None:
        """Never reached."""
