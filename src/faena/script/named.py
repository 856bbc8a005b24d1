"""A run as people speak of it: its name, what they noted about it, whether they still want to see it."""

from __future__ import annotations

from faena.script.run_files import RunWithFiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class NamedRun(RunWithFiles):
    """What may be changed of a run at any time, by anybody, also long after its end."""

    __slots__ = ()

    @property
    def display_name(self) -> str | None:
        """A name for people; None where nobody gave one. Set it to change it; it need not be the only one."""
        name = self._known().get("name")
        return None if name is None else str(name)

    @display_name.setter
    def display_name(self, name: str | None) -> None:
        self._change(name="" if name is None else name)

    @property
    def description(self) -> str | None:
        """What somebody noted about the run; None where nobody did. Set it to change it."""
        text = self._known().get("description")
        return None if text is None else str(text)

    @description.setter
    def description(self, text: str | None) -> None:
        self._change(description="" if text is None else text)

    def archive(self) -> None:
        """Leave the run out of lists; everything of it is kept, and it is found by its id."""
        self._change(archived=True)

    def restore(self) -> None:
        """Show the run in lists again."""
        self._change(archived=False)

    def _change(self, **wanted: Any) -> None:
        self._ask("change_run", wanted)
