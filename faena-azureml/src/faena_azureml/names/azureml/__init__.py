"""`azureml`, the v1 SDK's names, supplied by faena-azureml; see `faena_azureml`."""

from importlib import import_module

from faena_azureml import removed_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

removed_names.install()
del removed_names

_WITH_CORE = ("core", "data", "exceptions")
"""What v1's `import azureml.core` loaded, so that `azureml.data` needed no import of its own."""


def __getattr__(name: str) -> "ModuleType":
    if name in _WITH_CORE:
        return import_module(f"azureml.{name}")
    raise AttributeError(f"module 'azureml' has no attribute {name!r}")
