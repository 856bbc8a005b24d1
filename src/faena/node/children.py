"""Runs that a script starts below its own, on a node elsewhere: their folders are here, and end with the script.

On the server's own host a follower of the script's process does the same (`follower`).
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from faena.attempts.api import ServerApi
from faena.attempts.delivery import Delivery
from faena.attempts.folder import AttemptFolder, write_record
from faena.attempts.key import AttemptKey
from faena.attempts.outputs import insist
from faena.kernel.errors import FaenaError
from faena.node.follower import CANCELED, GONE

_LOOK = 0.5
"""Seconds between deliveries of what they logged."""
_ASK = 2.0
"""Seconds between questions whether one is to be canceled, which go to so many of them at most."""
_ASKED_TOGETHER = 20
ATTEMPT = 1


class _Child(NamedTuple):
    api: ServerApi
    """With the token of its own attempt."""
    delivery: Delivery


class Children:
    """Of one attempt. `attempts`: the folder of all attempts on this host."""

    def __init__(self, api: ServerApi, key: AttemptKey, attempts: Path) -> None:
        self._api = api
        self._key = key
        self._attempts = attempts
        self._open: dict[AttemptKey, _Child] = {}
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = ""

    def start(self, runs: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Delivery]]:
        """The runs as the server has them, and who brings what is logged. May be repeated."""
        started = self._api.start_below(self._key, runs)
        found = [
            (each["run"], self._take_up(AttemptKey(each["run"]["id"], ATTEMPT, 0), each["token"]))
            for each in started
        ]
        with self._turn:
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="children", daemon=True)
                self._thread.start()
        return found

    def finish(self, run_id: str, outcome: dict[str, Any], note: tuple[str, str] | None) -> None:
        """End one; one that has ended stays as it is."""
        with self._turn:
            self._finish(AttemptKey(run_id, ATTEMPT, 0), outcome, note)

    def close(self) -> None:
        """The script is gone: those that it has not ended end with it."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        for key in list(self._open):
            insist(lambda: self._finish(key, GONE))  # noqa: B023  called at once

    def _take_up(self, key: AttemptKey, token: str) -> Delivery:
        with self._turn:
            if key not in self._open:
                folder = AttemptFolder(key.folder(self._attempts))
                folder.spool.mkdir(parents=True, exist_ok=True)
                order = {"run_id": key.run_id, "attempt": key.attempt, "rank": key.rank, "node_count": 1}
                order |= {"outputs": "", "events_since": 0, "token": token}
                write_record(folder.path, "order", order)
                api = self._api.by(token)
                self._open[key] = _Child(api, Delivery(api, folder.path))
            return self._open[key].delivery

    def _finish(self, key: AttemptKey, outcome: dict[str, Any], note: tuple[str, str] | None = None) -> None:
        if key not in self._open:
            return
        delivery = self._open[key].delivery
        if note and delivery.is_open:
            delivery.note(*note)
        delivery.finish(outcome)
        del self._open[key]

    def _follow(self) -> None:
        asked = time.monotonic()
        while not self._ended.wait(_LOOK):
            with self._turn:
                try:
                    for child in list(self._open.values()):
                        child.delivery.flush(patience=0.0)
                    if self._open and time.monotonic() - asked > _ASK:
                        asked = time.monotonic()
                        self._cancel_those_that_are_to_stop()
                except (FaenaError, OSError) as error:  # the files keep everything; the next look tries again
                    if str(error) != self._trouble:
                        self._trouble = str(error)
                        print(f"runs below {self._key.name}: {error}", flush=True)

    def _cancel_those_that_are_to_stop(self) -> None:
        for key, child in list(self._open.items())[:_ASKED_TOGETHER]:
            if child.api.ship(key, [], patience=0.0).cancel:
                self._finish(key, CANCELED)
            else:  # the others come next
                self._open[key] = self._open.pop(key)


def end_left(api: ServerApi, path: Path) -> None:
    """End a run whose script, and the runner that followed it, are gone. Raises as ServerApi does."""
    delivery = Delivery(api, path)
    delivery.resume()
    insist(lambda: delivery.finish(GONE))
