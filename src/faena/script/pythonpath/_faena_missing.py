"""What of v1's names is not there in a run whose interpreter cannot load Faena's client: an error that says so.

Names of `azureml.core` raise it when they are used, modules when they are imported.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_MODULES = frozenset(
    ["contrib", "core", "data", "exceptions", "telemetry", "tensorboard", "train", "widgets"]
)


def stand_in(name: str) -> type:
    """A class for the dotted `name` that can be imported and says, when it is used, what is missing."""
    return _StandIn(name.rpartition(".")[2], (), {"__module__": name.rpartition(".")[0]})


class _StandIn(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):  # probes of notebooks, pickle and inspect
            raise AttributeError("type object {!r} has no attribute {!r}".format(cls.__name__, name))
        raise _unusable(cls, "." + name)

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        raise _unusable(cls, "(…)")


def _unusable(cls: type, use: str) -> Exception:
    from faena.script.errors import ClientMissing

    return ClientMissing(_text("{}.{}{}".format(cls.__module__, cls.__name__, use)))


def missing(name: str) -> ImportError:
    """The error for the dotted `name`."""
    return ImportError(_text(name))


def _text(name: str) -> str:
    return (
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
