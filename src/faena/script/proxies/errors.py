"""Errors of the helper's calls, as classes that `except` names here."""

from __future__ import annotations

from faena.script import errors as ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple

_OURS = ("faena.kernel.errors", "faena.script.errors")


class HelperGone(ours.ServiceException):
    """The helper ended, and with it all objects that were there. The next call starts another one."""


class RemoteError(Exception):
    """An error of the helper's whose class cannot be made here: its name stands first in the message."""


def stale(value: Any) -> Exception:
    """Of an object that went with a helper."""
    return HelperGone(
        "This {} was in a helper process that is gone. Make it again: open the workspace, and what you need of "
        "it.".format(type(value).__name__)
    )


def shortened(error: BaseException) -> BaseException:
    """One of the helper's call: without the lines of how it came here."""
    return error.with_traceback(None) if hasattr(error, "remote_traceback") else error


def native(module: str, name: str) -> Optional[type]:
    """The class of errors that this process has already, for the helper's."""
    if module in _OURS:
        found = getattr(ours, name, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
    return None


def new_class(name: str, module: str, doc: Optional[str], bases: Tuple[type, ...]) -> type:
    """One that can be raised here as well."""
    kept = tuple(base for base in bases if isinstance(base, type) and issubclass(base, BaseException))
    space = {"__doc__": doc, "__module__": module, "__qualname__": name}
    try:
        return type(name.rpartition(".")[2], kept or (Exception,), space)
    except TypeError:  # bases of another layout
        return type(name.rpartition(".")[2], (Exception,), space)
