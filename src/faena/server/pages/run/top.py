"""The top of a run's page: what it is, where it is, how long it took."""

from __future__ import annotations

from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.runs import service
from faena.runs.model import CANCEL_REQUESTED, HYPERDRIVE
from faena.runs.phase_timeline import PhaseTimeline, phase_timeline
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import TRIAL
from faena.server.pages import console
from faena.server.pages.rendering import run_address
from faena.server.pages.run.actions import Offer, offers

_LAST_LINES = 12


class RunTop(Struct, frozen=True):
    run: RunView
    address: str
    is_live: bool
    trial: str
    """Its number, where it is one of a sweep's; else empty."""
    can_cancel: bool
    offers: list[Offer]
    seconds: float | None
    timeline: PhaseTimeline
    last_lines: str
    """Of the log, where the run failed."""


def build(read: Read, run_id: str, now: Micros) -> RunTop:
    """Raises NotFound."""
    run = service.view(read, service.get(read, run_id))
    can_cancel = run.ended_at is None and run.status != CANCEL_REQUESTED
    last_lines = run.error.last_lines[-_LAST_LINES:] if run.error else []
    return RunTop(
        run=run,
        address=run_address(run_id),
        is_live=run.ended_at is None,
        trial=run.properties.get(TRIAL, "") if run.parent else "",
        can_cancel=can_cancel,
        offers=offers(run, can_cancel=can_cancel, is_sweep=run.type == HYPERDRIVE),
        seconds=None if run.started_at is None else max(0, (run.ended_at or now) - run.started_at) / 1e6,
        timeline=phase_timeline(run, now),
        last_lines=console.shown("\n".join([*last_lines, ""])).text if last_lines else "",
    )
