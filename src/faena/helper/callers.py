"""Objects of the other side: what is done with them here is done there."""

from __future__ import annotations

from typing import Any

from faena.helper.state import controls, current


class CallerError(Exception):
    """An error of the other side's whose class is not here."""


class CallerObject:
    """`faena_number`: by which the other side knows it."""

    def __init__(self, pid: int, number: int, name: str) -> None:
        self._faena_pid = pid
        self.faena_number = number
        self._faena_name = name

    def _faena_ask(self, verb: str, *arguments: Any, **named: Any) -> Any:
        asking = current()
        if asking is None or asking.pid != self._faena_pid:
            asking = controls.get(self._faena_pid)
        if asking is None:
            raise EOFError("the process that this object is in is gone")
        return asking.ask(self.faena_number, verb, arguments, named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._faena_ask("get", name)

    def __iter__(self) -> Any:
        return iter(self._faena_ask(".__iter__"))

    def __next__(self) -> Any:
        return self._faena_ask(".__next__")

    def __repr__(self) -> str:
        return f"<{self._faena_name} of the caller>"

    def __del__(self) -> None:
        """The other side keeps it for as long as its process lives: an end may come in any thread."""


class CallerFunction(CallerObject):
    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._faena_ask("call", *arguments, **named)
