"""Fills the places of sweeps whose sampling learns: drawn outside of the writer, taken in a transaction of its own.

A place is free until it is taken. So a kill on the way leaves it free, and the next server draws for it: the same
parameters, as a draw depends on nothing but the ledger and the trial's number.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

from faena.db import Database, Read, Write
from faena.kernel.clock import Clock
from faena.kernel.errors import ServiceException, UserErrorException
from faena.kernel.notifications import Notifications
from faena.runs import store as run_rows
from faena.runs.model import EndReason
from faena.sweeps import issuing, journal, ledger, store, trial_store
from faena.sweeps.learning.messages import Drawn, Exhausted, Task, Told
from faena.sweeps.learning.sampler import Sampler
from faena.sweeps.model import Sweep, SweepState, Trial, TrialState

_log = logging.getLogger(__name__)

_QUIET = 60.0
_AFTER_FAILURE = 1.0


class Drawer:
    def __init__(
        self, database: Database, notifications: Notifications, clock: Clock, sampler: Sampler
    ) -> None:
        self._database = database
        self._notifications = notifications
        self._clock = clock
        self._sampler = sampler
        self._drawing: set[str] = set()

    async def run_forever(self) -> None:
        try:
            with self._notifications.subscribe(issuing.SWEEPS) as subscription:
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
        """Draw for each free place, the lowest number first."""
        sweeps = {sweep.run_id: sweep for sweep in await self._database.read_first(_that_learn)}
        for ended in self._drawing - sweeps.keys():
            self._sampler.release(ended)
        self._drawing = set(sweeps)
        for sweep in sweeps.values():
            while (number := await self._free(sweep.run_id)) is not None:
                await self._draw(sweep, number)

    async def _free(self, sweep_id: str) -> int | None:
        def look(read: Read) -> int | None:
            sweep = store.get(read, sweep_id)
            if sweep is None or sweep.state is not SweepState.RUNNING:
                return None
            return next(
                (trial.number for trial in trial_store.in_state(read, sweep_id, TrialState.FREE)), None
            )

        return await self._database.read_first(look)

    async def _draw(self, sweep: Sweep, number: int) -> None:
        async def changes(since: int) -> tuple[Sequence[Told], int]:
            return await self._database.read_first(lambda read: _told(read, sweep.run_id, since))

        try:
            drawn = await self._sampler.draw(_task(sweep), number, changes)
        except (UserErrorException, ServiceException) as error:
            message = error.message
            await self._database.write(lambda write: self._give_up(write, sweep.run_id, message))
            return
        await self._database.write(lambda write: self._take(write, sweep.run_id, number, drawn))

    def _take(self, write: Write, sweep_id: str, number: int, drawn: Drawn | Exhausted) -> None:
        now = self._clock.now()
        sweep = store.get(write, sweep_id)
        if sweep is None or sweep.state is not SweepState.RUNNING:
            return
        if isinstance(drawn, Exhausted):
            store.update(write, sweep_id, exhausted=True)
            journal.told(write, sweep, drawn.message, now)
            trial_store.drop_free(write, sweep_id)
            ledger.fill(write, store.get(write, sweep_id) or sweep, now)
            return
        if drawn.note and "sampling" not in dict(run_rows.list_notes(write, sweep_id)):
            run_rows.add_note(write, sweep_id, "sampling", f"The model has {drawn.note}.")
        try:
            point = sweep.space.at(drawn.coordinates)
        except UserErrorException:  # of a space that was changed meanwhile: it is drawn for again
            return
        issuing.take_place(write, sweep, number, point, drawn.attributes or None, now)

    def _give_up(self, write: Write, sweep_id: str, why: str) -> None:
        sweep = store.get(write, sweep_id)
        if sweep is not None:
            now = self._clock.now()
            ledger.fill(write, ledger.stop(write, sweep, EndReason.SWEEP, why, now), now)


def _that_learn(read: Read) -> list[Sweep]:
    return [sweep for sweep in store.unended(read) if sweep.learns and sweep.state is SweepState.RUNNING]


def _task(sweep: Sweep) -> Task:
    spec = sweep.spec
    return Task(
        sweep=sweep.run_id,
        space=spec.space,
        constraints=list(spec.constraints),
        sampling=spec.sampling,
        objectives=list(spec.objectives),
    )


def _told(read: Read, sweep_id: str, since: int) -> tuple[list[Told], int]:
    """Of a space that was changed since, those trials that lie in it."""
    sweep = store.get(read, sweep_id)
    found, latest = trial_store.changed_since(read, sweep_id, since)
    told = []
    for trial in found:
        coordinates: dict[str, int | float] | None = trial.coordinates
        if sweep is not None and trial.revision != sweep.revision:
            point = sweep.space.locate(trial.parameters)
            coordinates = None if point is None else point.coordinates
        if coordinates is not None:
            told.append(_as_told(trial, coordinates))
    return told, latest


def _as_told(trial: Trial, coordinates: dict[str, int | float]) -> Told:
    return Told(
        number=trial.number,
        coordinates=coordinates,
        state=_state(trial),
        results=list(trial.metrics),
        intermediate={} if trial.decision is None else {trial.reached.interval: trial.reached.best},
        attributes=trial.attributes or b"",
    )


def _state(trial: Trial) -> Literal["running", "completed", "stopped", "failed"]:
    if trial.state is not TrialState.ENDED:
        return "running"
    if trial.decision is not None:
        return "stopped"
    return "completed" if trial.status == "Completed" or trial.value is not None else "failed"
