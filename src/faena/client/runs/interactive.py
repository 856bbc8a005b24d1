"""Runs that this process starts, writes and ends: a notebook's, and children of any run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from faena.attempts.api import ServerApi
from faena.attempts.delivery import Delivery
from faena.client.runs.run import Run, RunGroup
from faena.client.workspaces.session import Session, user
from faena.kernel.errors import UserErrorException
from faena.kernel.process_identity import Living
from faena.runs.submission_schemas import LivingProcess, StartedRun, StartRequest
from faena.script import spool
from faena.script.known import ANSWER_S
from faena.script.started import StartedRun as Ends

if TYPE_CHECKING:
    from faena.data.schemas import Snapshot
    from faena.runs.schemas import StartedView


class InteractiveRun(Ends, Run):
    """What is logged is in the kernel when a call returns, and at the server within a second, or when it is asked for.

    Should this process die, the run fails, and keeps everything that was logged.
    """

    def __init__(self, experiment: RunGroup, started: StartedView) -> None:
        super().__init__(experiment, started.run.id, view=started.run)
        folder = Path(started.folder)
        self._delivery = Delivery(ServerApi(self._api.transport), folder)
        if started.run.ended_at is None:
            self._sink = spool.writer_of(str(folder / "spool"))
            self._begin()

    def flush(self, timeout_seconds: float = 300) -> None:
        """Wait until the server has everything that was logged. Raises ServerUnreachable and StorageFull."""
        if not self._ended:
            self._delivery.flush()

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
        self.flush()
        return super()._ask(verb, arguments, timeout)

    def _deliver(self, outcome: dict[str, Any], note: tuple[str, str] | None) -> None:
        if note is not None and self._delivery.is_open:
            self._delivery.note(*note)
        self._delivery.finish(outcome)
        if isinstance(self._sink, spool.SpoolWriter):
            spool.forget(self._sink)
        self._last = None


def refuse_elsewhere(session: Session) -> None:
    """Raises UserErrorException for a workspace at a URL: what a run of a process writes is read on its host."""
    if session.url:
        raise UserErrorException(
            f"A run of this process cannot be in the workspace at {session.url}: what it logs is read on the server's "
            "host. Submit a script with experiment.submit, or start the run on that machine."
        )


def start(
    experiment: RunGroup,
    wanted: Sequence[dict[str, Any]],
    *,
    parent: str | None = None,
    snapshot: Snapshot | None = None,
) -> list[InteractiveRun]:
    """Start runs that this process ends, each with `id`, `name`, `outputs` and `tags`.

    Raises UserErrorException for a name or id that cannot be one, Conflict for an id that is taken.
    """
    refuse_elsewhere(experiment.workspace)
    process = Living.of(os.getpid())
    if process is None:
        raise UserErrorException(
            "This process cannot be found in /proc. Mount it, so that the run can follow it."
        )
    runs = [
        StartedRun(
            experiment=experiment.name,
            parent=parent,
            snapshot="" if snapshot is None else snapshot.digest,
            git=None if snapshot is None or snapshot.git is None else msgspec.to_builtins(snapshot.git),
            user=user(),
            **each,
        )
        for each in wanted
    ]
    asked = StartRequest(LivingProcess(process.pid, process.started), tuple(runs))
    return [InteractiveRun(experiment, each) for each in experiment.workspace.api.start(asked)]
