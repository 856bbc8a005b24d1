"""Fills the places of sweeps whose sampling learns: drawn outside of the writer, taken in a transaction of its own.

A place is free until it is taken. So a kill on the way leaves it free, and the next server draws for it: the same
parameters, as a draw depends on nothing but the ledger and the trial's number.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from faena.db import Database, Read, Write
from faena.kernel.clock import Clock
from faena.kernel.errors import ServiceException, UserErrorException
from faena.kernel.notifications import Notifications
from faena.runs import record_store, transitions
from faena.runs.engine.held_answers import HeldAnswers, Work
from faena.runs.engine.scheduling import Placement
from faena.runs.model import EndReason
from faena.sweeps import closing, issuing, journal, ledger, store, trial_changes, trial_store
from faena.sweeps.learning.messages import Drawn, Exhausted, Task, Told
from faena.sweeps.learning.sampler import Sampler
from faena.sweeps.model import Sweep, SweepState, Trial, TrialState
from faena.sweeps.startup import startup_trials

_log = logging.getLogger(__name__)

_QUIET = 60.0
_AFTER_FAILURE = 1.0


@dataclass(frozen=True, slots=True)
class _Place:
    """A free one, and what a sampler must hear before it draws for it."""

    sweep: Sweep
    number: int
    since: int
    told: tuple[Sequence[Told], int]


@dataclass(frozen=True, slots=True)
class _Seen:
    sweeps: dict[str, Sweep]
    """Those that learn and go on, by their ids."""
    place: _Place | None
    are_more: bool = False


class Drawer:
    def __init__(
        self,
        database: Database,
        notifications: Notifications,
        clock: Clock,
        sampler: Sampler,
        placement: Placement,
        held: HeldAnswers | None = None,
    ) -> None:
        """`held`: the answers to nodes that wait for what is drawn."""
        self._database = database
        self._notifications = notifications
        self._clock = clock
        self._sampler = sampler
        self._placement = placement
        self._held = held or HeldAnswers(notifications)
        self._told: dict[str, int] = {}
        """Sweeps that may draw, and what the sampler has heard of each, as far as is known here."""
        self._last = ""
        """The sweep that was drawn for last: others come first."""

    async def run_forever(self) -> None:
        try:
            with self._notifications.subscribe(issuing.SWEEPS, transitions.WORK_COMES) as subscription:
                while True:
                    pause = _QUIET
                    try:
                        await self.step()
                    except Exception:  # noqa: BLE001  a defect must not end the care for all sweeps
                        _log.exception("drawing trials failed; the next try is in %g s", _AFTER_FAILURE)
                        pause = _AFTER_FAILURE
                    await subscription.wait(pause)
        finally:
            await self._sampler.close()

    async def step(self) -> None:
        """Draw for each free place, of each sweep the lowest number first, one of each sweep in turn."""
        while True:
            seen = await self._database.read_first(self._look)
            for ended in self._told.keys() - seen.sweeps.keys():
                self._sampler.release(ended)
            for sweep_id, sweep in seen.sweeps.items():
                if sweep_id not in self._told and _will_draw(sweep):
                    self._sampler.prepare(_task(sweep))
            self._told = {sweep: self._told.get(sweep, 0) for sweep in seen.sweeps}
            if seen.place is None or (await self._fill(seen.place) and not seen.are_more):
                return

    def _look(self, read: Read) -> _Seen:
        """All that a draw begins with, in one read: a place waits for it."""
        sweeps = [
            sweep for sweep in store.unended(read) if sweep.learns and sweep.state is SweepState.RUNNING
        ]
        sweeps.sort(key=lambda sweep: (sweep.run_id <= self._last, sweep.run_id))
        ids = {sweep.run_id: sweep for sweep in sweeps}
        free = [(sweep, number) for sweep in sweeps for number in trial_store.free(read, sweep.run_id)]
        if not free:
            return _Seen(ids, None)
        sweep, number = free[0]
        since = self._told.get(sweep.run_id, 0)
        return _Seen(ids, _Place(sweep, number, since, _told(read, sweep, since)), len(free) > 1)

    async def _fill(self, place: _Place) -> bool:
        """Whether that is done with; else it is to be drawn for again."""
        sweep, number = place.sweep, place.number
        self._last = sweep.run_id

        async def changes(since: int) -> tuple[Sequence[Told], int]:
            told = place.told
            if since != place.since:
                told = await self._database.read_first(lambda read: _told(read, sweep, since))
            self._told[sweep.run_id] = told[1]
            return told

        try:
            drawn = await self._sampler.draw(_task(sweep), number, changes)
        except (UserErrorException, ServiceException) as error:
            message = error.message
            return await self._database.write(lambda write: self._give_up(write, sweep, message))
        orders: dict[str, Work] = {}
        is_done = await self._database.write(lambda write: self._take(write, sweep, number, drawn, orders))
        self._held.hand_over(orders)
        return is_done

    def _take(
        self, write: Write, asked: Sweep, number: int, drawn: Drawn | Exhausted, orders: dict[str, Work]
    ) -> bool:
        """False: what was drawn is of a space, or under constraints, that were changed meanwhile.

        `orders`: what nodes that wait for it are told.
        """
        orders.clear()  # of a try that was not kept
        now, sweep_id = self._clock.now(), asked.run_id
        sweep = store.get(write, sweep_id)
        if sweep is None or sweep.state is not SweepState.RUNNING:
            return True
        if sweep.revision != asked.revision:
            return False
        if isinstance(drawn, Exhausted):
            store.update(write, sweep_id, exhausted=True)
            journal.told(write, sweep, drawn.message, now)
            trial_store.drop_free(write, sweep_id)
            ledger.fill(write, store.get(write, sweep_id) or sweep, now)
            return True
        if drawn.note and "sampling" not in dict(record_store.list_notes(write, sweep_id)):
            record_store.add_note(write, sweep_id, "sampling", f"The model has {drawn.note}.")
        point = sweep.space.at(drawn.coordinates)
        taken = issuing.take_place(write, sweep, number, point, drawn.attributes or None, now)
        if taken is not None and taken.run_id in self._placement.refill(write, sweep.submission.cluster):
            write.topics.discard(transitions.ENGINE_SOON)  # it has nothing to look at
            orders |= self._held.orders(write, str(taken.run_id))
        return True

    def _give_up(self, write: Write, asked: Sweep, why: str) -> bool:
        """False where that was about a space that was changed meanwhile."""
        sweep = store.get(write, asked.run_id)
        if sweep is not None and sweep.revision != asked.revision:
            return False
        if sweep is not None:
            now = self._clock.now()
            ledger.fill(write, closing.stop(write, sweep, EndReason.SWEEP, why, now), now)
        return True


def _will_draw(sweep: Sweep) -> bool:
    """Whether it has more trials to come than its first ones, which no model draws."""
    most = sweep.spec.max_total_runs
    return sweep.issued < most and startup_trials(sweep.spec.sampling) < most and not sweep.exhausted


def _task(sweep: Sweep) -> Task:
    spec = sweep.spec
    return Task(
        sweep=sweep.run_id,
        space=spec.space,
        constraints=list(spec.constraints),
        sampling=spec.sampling,
        objectives=list(spec.objectives),
    )


def _told(read: Read, sweep: Sweep, since: int) -> tuple[list[Told], int]:
    """Of a space that was changed since, those trials that lie in it."""
    found, latest = trial_changes.changed_since(read, sweep.run_id, since)
    told = []
    for trial in found:
        coordinates: dict[str, int | float] | None = trial.coordinates
        if trial.revision != sweep.revision:
            point = sweep.space.locate(trial.parameters)
            coordinates = None if point is None else point.coordinates
        if coordinates is not None:
            told.append(_as_told(trial, coordinates, has_conditions=bool(sweep.spec.metric_constraints)))
    return told, latest


def _as_told(trial: Trial, coordinates: dict[str, int | float], *, has_conditions: bool) -> Told:
    """`has_conditions`: whether there are some on metrics, which the trial fulfils or not."""
    violated = {} if not has_conditions else {"metric_constraints": 0.0 if trial.allowed else 1.0}
    return Told(
        number=trial.number,
        coordinates=coordinates,
        state=_state(trial),
        results=list(trial.metrics),
        intermediate={} if trial.decision is None else {trial.reached.interval: trial.reached.best},
        violations=violated,
        attributes=trial.attributes or b"",
    )


def _state(trial: Trial) -> Literal["running", "completed", "stopped", "failed"]:
    if trial.state is not TrialState.ENDED:
        return "running"
    if trial.decision is not None:
        return "stopped"
    return "completed" if trial.status == "Completed" or trial.value is not None else "failed"
