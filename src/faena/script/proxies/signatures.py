"""Signatures of the helper's functions, for help and completion: defaults are shown as they are written."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Shown:
    """A default, as text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def made(parameters: Any) -> Any:
    """`parameters`: name, kind, default as text or None, each. None where they are not known."""
    if parameters is None:
        return None
    import inspect

    kinds = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.KEYWORD_ONLY,
        inspect.Parameter.VAR_KEYWORD,
    )
    empty = inspect.Parameter.empty
    try:
        return inspect.Signature(
            [
                inspect.Parameter(name, kinds[kind], default=empty if default is None else Shown(default))
                for name, kind, default in parameters
            ]
        )
    except ValueError:  # a name that this Python does not allow
        return None
