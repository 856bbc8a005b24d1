"""Runs that a script starts below its own: the runner brings what they log to the server."""

from __future__ import annotations

import os

from faena.script import values
from faena.script.family import Root
from faena.script.known import ANSWER_S, TRANSFER_S
from faena.script.other import OtherRun
from faena.script.registering import RegisteringRun
from faena.script.spool import writer_of
from faena.script.started import StartedRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

    from faena.script.handles import Experiment


class ChildRun(RegisteringRun, StartedRun):
    """A run that this script started."""

    __slots__ = ("__weakref__", "_through", "experiment")

    type = "interactive"

    def __init__(self, run_id: str, through: Root, experiment: Experiment, folder: str) -> None:
        super().__init__(run_id, writer_of(os.path.join(folder, "spool")))
        self._through = through
        self.experiment = experiment
        self._begin()

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
        return self._through._ask(verb, dict(arguments, run_id=self.id), timeout)

    def _deliver(self, outcome: dict[str, Any], note: tuple[str, str] | None) -> None:
        self._ask("end_run", {"outcome": outcome, "note": note}, TRANSFER_S)

    def _other(self, row: Mapping[str, Any]) -> OtherRun:
        return OtherRun(str(row["id"]), self._through, self.experiment)

    def _start(self, children: Sequence[dict[str, Any]]) -> Sequence[ChildRun]:
        return start(self._through, self.experiment, self.id, children)

    def flush(self, timeout_seconds: float = 300) -> None:
        """Waits until the server has everything that was logged."""
        self._ask("flush", {}, float(timeout_seconds))

    def take_snapshot(self, file_or_folder_path: str | os.PathLike[str]) -> str:
        raise values.refuse("A child of a submitted run has its parent's snapshot. Take one of the parent.")

    def __repr__(self) -> str:
        return "Run(Experiment: {},\nId: {},\nType: {},\nStatus: {})".format(
            self.experiment.name, self.id, self.type, "Ended" if self._ended else "Running"
        )


def start(
    through: Root, experiment: Experiment, parent: str, children: Sequence[dict[str, Any]]
) -> list[ChildRun]:
    """Starts runs below `parent`, asked for through the run that this process belongs to."""
    runs = [dict(child, experiment=experiment.name, parent=parent) for child in children]
    started = through._ask("start_runs", {"pid": os.getpid(), "runs": runs})
    return [ChildRun(each["run"]["id"], through, experiment, each["folder"]) for each in started]
