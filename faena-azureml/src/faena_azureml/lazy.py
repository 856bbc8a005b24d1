"""Module attributes that are loaded when they are first asked for."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def loader(module: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of `module`, whose names live in the modules of `homes`.

    Those of them that are submodules of `module` are attributes of it too, imported or not.
    """
    submodules = {home.removeprefix(f"{module}.") for home in homes.values() if home.startswith(f"{module}.")}

    def __getattr__(name: str) -> Any:  # noqa: N807  it becomes the module's own
        if name in submodules:
            return import_module(f"{module}.{name}")
        if name not in homes:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[module], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807  it becomes the module's own
        return sorted({*vars(sys.modules[module]), *homes})

    return __getattr__, __dir__
