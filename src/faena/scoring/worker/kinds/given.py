"""What a user says of a model: which class it belongs to, and that its file may run code."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def attribute(name: str) -> Callable[..., Any]:
    """`module:Class`, from the application's folder or the environment. Raises ValueError and ImportError."""
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise ValueError("{!r} names no class: write module:Class".format(name))
    from importlib import import_module

    found: Any = import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    made: Callable[..., Any] = found
    return made


def trusted(options: dict[str, Any], what: str) -> None:
    """Raises ValueError unless the user has said that this file may run code."""
    if options.get("trust") is not True:
        raise ValueError(
            "{} is loaded by pickle, which runs whatever code it holds. Say trust=True if you know where it comes "
            "from".format(what)
        )
