"""Follows the runs that a process of the user's own writes: brings what it writes, ends them when it is gone."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

from faena.attempts.api import ServerApi
from faena.attempts.delivery import Delivery
from faena.attempts.outputs import insist
from faena.kernel.errors import FaenaError, ServerUnreachable
from faena.kernel.process_identity import Living

_LOOK = 0.25
"""Seconds between looks at what was written; the process's end is seen at once."""
_ASK = 0.5
"""Seconds between questions which runs there are."""
_HALF_ENDED = 5.0
"""Seconds after which a run is ended for a process that wrote down how it ended and went no further."""

GONE = {
    "reason": "process_ended",
    "message": "The process that started the run ended without run.complete() or run.fail(): it was killed, it "
    "crashed, or its kernel was restarted. What it logged until then is kept.",
}
CANCELED = {"reason": "canceled", "message": "The run was canceled."}


def watch(name: str, api: ServerApi) -> None:
    """Returns when the process has ended and its runs with it, or when it has no open run."""
    process = Living.of_name(name)
    descriptor = process.watch() if process else None
    try:
        _Watch(name, api).until_end(descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)


class _Watch:
    def __init__(self, process: str, api: ServerApi) -> None:
        self._process = process
        self._api = api
        self._deliveries: dict[Path, Delivery] = {}
        self._trouble = ""

    def until_end(self, descriptor: int | None) -> None:
        asked = 0.0
        while descriptor is not None and not select.select([descriptor], [], [], _LOOK)[0]:
            now = time.monotonic()
            if now - asked >= _ASK:
                if not self._ask():
                    return
                asked = now
            for path, delivery in list(self._deliveries.items()):
                self._attend(path, delivery)
        if self._ask():
            self._end_all()

    def _end_all(self) -> None:
        """One run that cannot be ended keeps no other from it. Raises what the last of them met, to be tried anew."""
        met: Exception | None = None
        for path, delivery in self._deliveries.items():
            try:
                self._end(delivery, GONE)
            except ServerUnreachable:
                raise
            except Exception as error:  # noqa: BLE001  whatever it is, the others come next
                print(f"ending {path}: {error}", flush=True)
                met = error
        if met is not None:
            raise met

    def _ask(self) -> bool:
        """Learn which runs are open. False: there is nothing more to do, and the server starts the next follower.

        A server that has left is brought back for a run that has yet to be ended, not to hear that none has: what was
        open before it was asked may have ended with it.
        """
        try:
            open_now = dict(self._api.open_attempts(self._process, bring_back=False))
        except ServerUnreachable:
            if not any(each.is_open for each in self._deliveries.values()):
                return False
            open_now = dict(self._api.open_attempts(self._process))
        self._deliveries = {path: known for path, known in self._deliveries.items() if path in open_now}
        for path, stop in open_now.items():
            if path not in self._deliveries and (delivery := self._taken_up(path)):
                self._deliveries[path] = delivery
            if stop and path in self._deliveries:
                self._end(self._deliveries.pop(path), CANCELED)
        return bool(self._deliveries)

    def _taken_up(self, path: Path) -> Delivery | None:
        try:
            delivery = Delivery(self._api, path)
            delivery.resume()
        except (OSError, FaenaError):
            return None  # the process has ended it meanwhile
        return delivery

    def _attend(self, path: Path, delivery: Delivery) -> None:
        try:
            since = delivery.ending_since()
            if since is None:
                delivery.flush(patience=0.0)
            elif since > _HALF_ENDED:
                self._end(delivery, GONE)
        except (FaenaError, OSError) as error:  # the files keep everything; the next look tries again
            if str(error) != self._trouble:
                self._trouble = str(error)
                print(f"following {path}: {error}", flush=True)

    def _end(self, delivery: Delivery, outcome: dict[str, str]) -> None:
        insist(lambda: delivery.finish(outcome))
