"""Brings to the server what a process writes of a run that it started itself, and ends that run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from faena.attempts.api import ServerApi
from faena.attempts.event_files.watching import EventFiles
from faena.attempts.folder import MovingFolder, write_record
from faena.attempts.follow import Follower
from faena.attempts.key import AttemptKey
from faena.attempts.output_names import remains
from faena.attempts.outputs import keep
from faena.attempts.records import PROCESS_ENDED, PROCESS_ORDER, UnreadableRecord
from faena.attempts.upload import ASKED_PATIENCE_S, Shipper
from faena.kernel.errors import FaenaError, UserErrorException
from faena.kernel.transport import segment


class Delivery:
    """Of one such run. Any number of processes may deliver it: what the server has is passed over."""

    def __init__(self, api: ServerApi, path: Path) -> None:
        self._api = api
        self._folder = MovingFolder(path, api.locate)
        self._key = AttemptKey.of_folder(path)
        self._notes: dict[str, str] = {}
        """What the reader of the run must know, and the server does not know yet."""
        self._ending_since: float | None = None
        try:
            self._order = self._folder.order(PROCESS_ORDER)
        except UnreadableRecord as error:
            self._order = {"outputs": ""}
            self._notes["order_unreadable"] = (
                f"{error} Files that the run has in a folder for outputs are not kept."
            )
        self._events = EventFiles(self._order, self._folder)
        self._follower = Follower(self._folder, rank=0, node_count=1)
        self._outputs = str(self._order["outputs"])
        self._shipper = Shipper(api, self._key, self._follower)

    @property
    def is_open(self) -> bool:
        """Whether the run has yet to be ended: its folder goes last."""
        return self._folder.path.exists()

    def resume(self) -> None:
        """Go on from what the server has."""
        self._follower.start_at(self._api.offsets(self._key))
        self._tell()

    def flush(self, patience: float = ASKED_PATIENCE_S) -> None:
        """Bring all that is written by now, waiting `patience` seconds for a server. Raises as ServerApi does."""
        self._events.look(at_once=patience > 0)
        self._shipper.flush(patience)

    def note(self, code: str, message: str) -> None:
        """Something that the reader of the run must know."""
        self._api.note(self._key, code, message)

    def ending_since(self) -> float | None:
        """For how many seconds the run has been about to end; None when nobody has said so."""
        try:
            ending = self._folder.end(PROCESS_ENDED) is not None
        except UnreadableRecord:
            ending = True
        if not ending:
            return None
        now = time.monotonic()  # a clock that was put back makes nobody wait
        self._ending_since = now if self._ending_since is None else self._ending_since
        return now - self._ending_since

    def finish(self, outcome: dict[str, Any]) -> None:
        """End the run: everything is brought, its outputs are kept. The first outcome that was given stands.

        Each step may be repeated, by this process or by another one. Raises as ServerApi does, and OSError where the
        outcome cannot be written down.
        """
        if not self.is_open:
            self._finish_without_folder(outcome)
            return
        end = self._said()
        if left_out := self._events.finish():
            self._notes["event_files"] = left_out
        self._tell()
        self._shipper.tell_losses()
        if end is None and not self._events.names and not self._has_outputs():
            try:
                if self._shipper.finish_with(outcome):
                    self._folder.forget()
                    return
            except FaenaError:
                self._write_down(outcome)  # so that whoever finishes later knows
                raise
        end = end or self._write_down(outcome)
        self._shipper.finish()
        try:
            self._api.ended(self._key, end["outcome"], end["ended"])
        except UserErrorException:  # what stands in the record is no outcome
            self._api.ended(self._key, outcome, end["ended"])
        if self._outputs:
            outputs = Path(self._outputs)
            # the process may live on and change its files: they are copied
            keep(
                self._api,
                self._key,
                *remains(outputs.parent, (outputs.name, *self._events.names)),
                take=False,
            )
        self._api.closed(self._key)
        self._folder.forget()

    def _finish_without_folder(self, outcome: dict[str, Any]) -> None:
        """Somebody has ended the run; or has removed the folder of one that is open, which its reader must know."""
        if self._api.call("GET", f"/runs/{segment(self._key.run_id)}")["ended_at"] is not None:
            return
        removed = (
            f"The folder of the run, {self._folder.path}, was removed: what had not been brought yet is lost."
        )
        self.note("folder_removed", removed)
        self._api.ended(self._key, outcome, None)
        self._api.closed(self._key)

    def _said(self) -> dict[str, Any] | None:
        """How somebody said that the run ends; None where nobody did, or where that cannot be read any more."""
        try:
            return self._folder.end(PROCESS_ENDED)
        except UnreadableRecord as error:
            self._notes["end_unreadable"] = f"{error} How the process ended the run is not known."
            return None

    def _tell(self) -> None:
        for code, message in list(self._notes.items()):
            self.note(code, message)
            del self._notes[code]

    def _write_down(self, outcome: dict[str, Any]) -> dict[str, Any]:
        end = {"outcome": outcome, "ended": time.time_ns() // 1000}
        write_record(self._folder.path, "end", end)
        return end

    def _has_outputs(self) -> bool:
        try:
            return bool(self._outputs) and any(Path(self._outputs).iterdir())
        except OSError:
            return False
