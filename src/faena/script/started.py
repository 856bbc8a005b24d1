"""A run that this process has started itself, writes, and ends."""

from __future__ import annotations

import atexit
import builtins
import os
import sys

from faena.script import values
from faena.script.logging_run import LoggingRun
from faena.script.reports import LONGEST, reported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LEFT_OPEN = (
    "left_open",
    "Its process ended in good order without run.complete(), which was done for it then. Whether the process left with "
    "an exit code other than 0 is not known.",
)
"""Code and text of the note of a run that was completed as its process ended."""


class StartedRun(LoggingRun):
    """It is `Running` until one of `complete`, `fail` and `cancel`, the end of its `with` block, or of the process."""

    __slots__ = ("_ended",)

    def _begin(self) -> None:
        """To be called once it has started."""
        self._ended = False
        if not _open:
            atexit.unregister(_end_with_process)
            atexit.register(_end_with_process)
        _open.append(self)

    def _deliver(self, outcome: dict[str, Any], note: tuple[str, str] | None) -> None:
        """Has the server get everything and end the run. May be repeated."""
        raise NotImplementedError

    def complete(self, _set_status: bool = True) -> None:
        """Ends the run as Completed: everything logged is at the server, its outputs are kept, when this returns."""
        self._finish("completed", "")

    def fail(self, error_details: Any = None, error_code: Any = None, _set_status: bool = True) -> None:
        """Ends the run as Failed. `error_details`: an exception or a text, for its error; `error_code` stands first."""
        self._finish("reported", reported(error_details, error_code))

    def cancel(self) -> None:
        """Ends the run as Canceled."""
        self._finish("canceled", "The run was canceled by the process that started it.")

    def _finish(self, reason: str, message: str, note: tuple[str, str] | None = None) -> None:
        if self._ended:
            return
        self._deliver({"reason": reason, "message": message[:LONGEST]}, note)
        self._ended = True
        if self in _open:
            _open.remove(self)
        self._sink = Closed(self.id)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        """Completes the run, or fails it with the error. As in v1, a SystemExit of success goes no further."""
        if kind is None:
            self.complete()
            return False
        if kind is SystemExit and error.code in (None, 0):
            self.complete()
            return True
        self.fail(error)
        return False


_open: list[StartedRun] = []


def _end_with_process() -> None:
    end_all(uncaught())


def end_all(error: Any) -> None:
    """As the process ends: children first, which were started last. `error`: that ends it, None in good order."""
    for run in reversed(_open[:]):
        try:
            if error is None:
                run._finish("completed", "", LEFT_OPEN)
            else:
                run.fail(error)
        except Exception as trouble:  # noqa: BLE001  the next one must end too; this one's follower will do it
            sys.stderr.write("faena: run {} could not be ended: {}\n".format(run.id, trouble))


def note_all(code: str, message: str) -> None:
    """A note of the runs that are open: of each code the first stays."""
    for run in _open[:]:
        run._sink.emit("note", {"code": code, "message": message})


def uncaught() -> BaseException | None:
    """What ends this process, where that is an error. A session at a prompt goes on after each of its errors."""
    if hasattr(sys, "ps1") or hasattr(builtins, "__IPYTHON__"):
        return None
    error = getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None


class Closed:
    """The sink of a run that has ended, where nothing can be added to it any more."""

    __slots__ = ("fd", "folder", "names", "run_id")

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.names: dict[str, int] = {}
        self.fd = -1
        self.folder = ""

    def point(self, name: str, value: float, step: int | None = None) -> None:
        self.emit("scalar", {"name": name})

    def emit(self, op: str, fields: dict[str, Any]) -> None:
        raise values.refuse(
            "Run {} has ended; {!r} was not logged. Log before complete().".format(
                self.run_id, fields.get("name")
            )
        )


os.register_at_fork(after_in_child=_open.clear)
