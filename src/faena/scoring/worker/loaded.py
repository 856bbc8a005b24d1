"""What a scoring script has loaded, for whoever loads it ahead of the next worker, and what it has set too late."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

_MOST = 5000


class Loading:
    """Made before the script is loaded. `ahead`: what was loaded before this process was forked; None: it was not."""

    def __init__(self, ahead: Collection[str] | None) -> None:
        self._ahead = ahead
        self._last = next(reversed(sys.modules))
        self._variables = dict(os.environ)

    def told(self) -> dict[str, Any]:
        """`modules` of installed packages that the script has loaded; `late`: variables that had been read by then.

        Nothing where the script has left of `sys.modules` what cannot be looked at.
        """
        try:
            return self._told()
        except Exception:
            return {}

    def _told(self) -> dict[str, Any]:
        new = [name for name in reversed(list(self._new())) if _is_package(name)]
        late = [] if self._ahead is None else [name for name in os.environ if self._is_late(name)]
        return {"modules": new[:_MOST], "late": late}

    def _new(self) -> Any:
        """The last ones: a look at all would copy the pages that they lie in from the process that was forked."""
        for name in reversed(sys.modules):
            if name == self._last:
                return
            yield name

    def _is_late(self, name: str) -> bool:
        import _faena_warm

        if os.environ.get(name) == self._variables.get(name):
            return False
        return any(
            name.startswith(beginning) and package in (self._ahead or ())
            for beginning, package in _faena_warm.READ_WHEN_LOADED.items()
        )


def _is_package(name: str) -> bool:
    import _faena_warm

    module = sys.modules.get(name)
    file = getattr(module, "__file__", None) or ""
    return not file.startswith(_faena_warm.FAENA_SOURCES) and bool(_faena_warm.is_package(module))
