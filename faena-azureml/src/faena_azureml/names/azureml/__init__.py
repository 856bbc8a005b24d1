"""`azureml`, the v1 SDK's names, supplied by faena-azureml; see `faena_azureml`."""

from importlib import import_module

from faena.script import own_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

own_process.answer_removed_names()
own_process.answer_dead_data()
del own_process

_WITH_CORE = ("core", "data", "exceptions")
"""What v1's `import azureml.core` loaded, so that `azureml.data` needed no import of its own."""


def __getattr__(name: str) -> "ModuleType":
    if name in _WITH_CORE:
        return import_module(f"azureml.{name}")
    raise AttributeError(f"module 'azureml' has no attribute {name!r}")
