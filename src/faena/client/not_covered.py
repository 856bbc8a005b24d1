"""Names of v1's handles that have no meaning on one's own machines, or not yet: using one says what to do instead."""

from __future__ import annotations

from typing import Any, NoReturn

from faena.kernel.errors import NotCovered

MARK = "__not_covered__"
"""Attribute of what stands for such a name: why it is not covered."""


def not_covered(name: str, what: str, instead: str, planned: str = "") -> Any:
    """A method that raises NotCovered. `name`: such as `Run.add_type_provider`; the others as NotCovered has them."""

    def refuse(*_arguments: Any, **_named: Any) -> NoReturn:
        raise NotCovered.about(name, what, instead, planned)

    refuse.__name__ = name.rpartition(".")[2]
    refuse.__doc__ = f"Not covered: {what}. {instead}"
    setattr(refuse, MARK, what)
    return refuse


class not_covered_property:  # noqa: N801  reads as the decorator that it stands for
    """An attribute that raises NotCovered when it is read of a handle; of the class it is itself, for help()."""

    def __init__(self, name: str, what: str, instead: str, planned: str = "") -> None:
        self._facts = name, what, instead, planned
        setattr(self, MARK, what)
        self.__doc__ = f"Not covered: {what}. {instead}"

    def __get__(self, handle: object, owner: type | None = None) -> Any:
        if handle is None:
            return self
        raise NotCovered.about(*self._facts)
