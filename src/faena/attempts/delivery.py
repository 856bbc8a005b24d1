"""Brings to the server what a process writes of a run that it started itself, and ends that run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from faena.attempts.api import AttemptKey, ServerApi
from faena.attempts.folder import AttemptFolder, write_record
from faena.attempts.follow import Follower
from faena.attempts.keep import keep, remains
from faena.attempts.ship import ASKED_PATIENCE_S, Shipper
from faena.kernel.errors import FaenaError


class Delivery:
    """Of one such run. Any number of processes may deliver it: what the server has is passed over."""

    def __init__(self, api: ServerApi, path: Path) -> None:
        self._api = api
        self._folder = AttemptFolder(path)
        order = self._folder.order()
        self._key = AttemptKey(order["run_id"], order["attempt"], order["rank"])
        self._outputs = order["outputs"]
        self._follower = Follower(self._folder, rank=0, node_count=1)
        self._shipper = Shipper(api, self._key, self._follower)

    @property
    def is_open(self) -> bool:
        """Whether the run has yet to be ended: its folder goes last."""
        return self._folder.path.exists()

    def resume(self) -> None:
        """Go on from what the server has."""
        self._follower.start_at(self._api.offsets(self._key))

    def flush(self, patience: float = ASKED_PATIENCE_S) -> None:
        """Bring all that is written by now, waiting `patience` seconds for a server. Raises as ServerApi does."""
        self._shipper.flush(patience)

    def note(self, code: str, message: str) -> None:
        """Something that the reader of the run must know."""
        self._api.note(self._key, code, message)

    def ending_since(self) -> float | None:
        """For how many seconds the run has been about to end; None when nobody has said so."""
        end = self._folder.record("end")
        return None if end is None else time.time() - end["ended"] / 1e6

    def finish(self, outcome: dict[str, Any]) -> None:
        """End the run: everything is brought, its outputs are kept. The first outcome that was given stands.

        Each step may be repeated, by this process or by another one. Raises as ServerApi does, and OSError where the
        outcome cannot be written down.
        """
        if not self.is_open:
            return
        end = self._folder.record("end")
        if end is None and not self._has_outputs():
            try:
                if self._shipper.finish_with(outcome):
                    self._folder.forget()
                    return
            except FaenaError:
                self._write_down(outcome)  # so that whoever finishes later knows
                raise
        end = end or self._write_down(outcome)
        self._shipper.finish()
        self._api.ended(self._key, end["outcome"], end["ended"])
        if self._outputs:
            outputs = Path(self._outputs)
            # the process may live on and change its files: they are copied
            keep(self._api, self._key, *remains(outputs.parent, (outputs.name,)), take=False)
        self._api.closed(self._key)
        self._folder.forget()

    def _write_down(self, outcome: dict[str, Any]) -> dict[str, Any]:
        end = {"outcome": outcome, "ended": time.time_ns() // 1000}
        write_record(self._folder.path, "end", end)
        return end

    def _has_outputs(self) -> bool:
        try:
            return bool(self._outputs) and any(Path(self._outputs).iterdir())
        except OSError:
            return False
