"""Follows a sweep for a view: its run, and what its trials come to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from faena.client.workspaces.session import Session
from faena.kernel.clock import SystemClock
from faena.kernel.transport import segment
from faena.notebook.views import sweep_view
from faena.notebook.views.blocks import View
from faena.notebook.views.run_view import KnownRun
from faena.notebook.views.sweep_data import SweepData, TrialCurves
from faena.notebook.views.sweep_view import MOST_ROWS, KnownSweep
from faena.notebook.watching.run_watch import RunWatch

_EVERY = 1.0
"""Seconds between two looks at trials, which tell nobody when they log: so often a page of a sweep asks, too."""
_CURVES = 3.0
_CURVE_PIXELS = 120


class SweepWatch(RunWatch):
    def __init__(self, session: Session, run_id: str) -> None:
        super().__init__(session, run_id)
        self._sweep: KnownSweep | None = None
        self._curves_at = 0.0

    def follow(self, changed: Callable[[], None], stopped: Callable[[], bool]) -> None:
        over = threading.Event()
        clock = threading.Thread(
            target=_tick,
            args=(changed, lambda: stopped() or over.is_set()),
            name="faena-view-tick",
            daemon=True,
        )
        clock.start()
        try:
            super().follow(changed, stopped)
        finally:
            over.set()

    def look(self) -> View:
        known = self._look_at_run()
        path = f"/ui/runs/{segment(self.run_id)}/sweep"
        ended = known.run.ended_at is not None
        before = self._sweep
        curves = None if before is None else before.curves
        if curves is None or ended or time.monotonic() >= self._curves_at:
            asked = f"{path}/curves?pixels={_CURVE_PIXELS}"
            curves = msgspec.json.decode(self._api.transport.request("GET", asked).data, type=TrialCurves)
            self._curves_at = time.monotonic() + _CURVES
        self._sweep = KnownSweep(
            known,
            self._api.sweeps.get(self.run_id),
            tuple(self._api.sweeps.trials(self.run_id, best_first=True, limit=MOST_ROWS)),
            msgspec.json.decode(self._api.transport.request("GET", f"{path}/data").data, type=SweepData),
            curves,
        )
        return sweep_view.of_sweep(self._sweep)

    def trouble(self, said: str) -> View | None:
        if self._sweep is None:
            return None
        run: KnownRun = replace(self._sweep.run, trouble=said, now=SystemClock().now())
        return sweep_view.of_sweep(replace(self._sweep, run=run))


def _tick(changed: Callable[[], None], stopped: Callable[[], bool]) -> None:
    while not stopped():
        time.sleep(_EVERY)
        changed()
