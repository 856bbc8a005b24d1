"""Looks after the sweeps that go on: what no transaction does by itself, and what a kill left undone."""

from __future__ import annotations

import logging
from contextlib import ExitStack

from faena.db import Database, Read, Write
from faena.kernel.clock import Clock, Micros
from faena.kernel.notifications import Notifications
from faena.sweeps import issuing, ledger, store, trial_store
from faena.sweeps.model import TrialState
from faena.sweeps.policies import watches
from faena.tracking.watching import metrics_topic, watching

_log = logging.getLogger(__name__)

_QUIET = 60.0
_LOOK = 5.0
"""Seconds between two looks at sweeps that go on: nodes may have been added, an end may have been missed."""
_AFTER_FAILURE = 1.0
_SECOND = 1e6
_SET = 10 * _SECOND
"""By so much the machine's clock and a steady one differ where it was set, or the machine slept."""


class Keeper:
    def __init__(self, database: Database, notifications: Notifications, clock: Clock) -> None:
        self._database = database
        self._notifications = notifications
        self._clock = clock
        self._watched: dict[str, ExitStack] = {}
        self._looked: tuple[Micros, float] | None = None
        self._known: frozenset[str] = frozenset()

    async def run_forever(self) -> None:
        with self._notifications.subscribe(issuing.SWEEPS) as subscription:
            while True:
                try:
                    pause = await self.step()
                except Exception:  # noqa: BLE001  a defect must not end the care for all sweeps
                    _log.exception("a look at the sweeps failed; the next one is in %g s", _AFTER_FAILURE)
                    pause = _AFTER_FAILURE
                await subscription.wait(pause)

    def _watch(self, run_ids: set[str]) -> None:
        """Have the points of these runs come at once, as a policy decides by them."""
        for run_id in self._watched.keys() - run_ids:
            self._watched.pop(run_id).close()
        for run_id in run_ids - self._watched.keys():
            watcher = self._watched[run_id] = ExitStack()
            watcher.enter_context(watching(self._notifications, run_id, metrics_topic(run_id)))

    async def _heed_clock(self, unended: frozenset[str]) -> None:
        """The time that sweeps have is not used up by a clock that is set: it would end them all, or none ever."""
        looked = self._clock.now(), self._clock.monotonic()
        before, self._looked = self._looked, looked
        known, self._known = self._known, unended
        if before is None:
            return
        by = looked[0] - before[0] - round((looked[1] - before[1]) * _SECOND)
        if abs(by) < _SET or not (meant := known & unended):
            return

        def move(write: Write) -> None:
            for sweep_id in sorted(meant):
                ledger.move_deadline(write, sweep_id, by, self._clock.now())

        await self._database.write(move)

    async def step(self) -> float:
        """Do what is due; seconds until the next look."""
        unended = await self._database.read_first(store.unended)
        await self._heed_clock(frozenset(sweep.run_id for sweep in unended))
        if not unended:
            self._watch(set())
            return _QUIET
        for sweep in unended:

            def keep(write: Write, sweep_id: str = sweep.run_id) -> None:
                fresh = store.get(write, sweep_id)
                if fresh is not None:
                    ledger.keep(write, fresh, self._clock.now())

            await self._database.write(keep)
        self._watch(await self._database.read_first(_judged))
        nearest = await self._database.read_first(store.nearest_deadline)
        left = _LOOK if nearest is None else (nearest - self._clock.now()) / _SECOND
        return min(_LOOK, max(0.01, left))


def _judged(read: Read) -> set[str]:
    """Runs of the trials that a policy may stop."""
    return {
        trial.run_id
        for sweep in store.unended(read)
        if watches(sweep.spec.policy)
        for trial in trial_store.in_state(read, sweep.run_id, TrialState.OPEN)
        if trial.run_id is not None
    }
