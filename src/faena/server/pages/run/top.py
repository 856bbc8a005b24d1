"""The top of a run's page: what it is, where it is, how long it took."""

from __future__ import annotations

from msgspec import Struct

from faena.db import Read
from faena.kernel.clock import Micros
from faena.runs import service
from faena.runs.model import CANCEL_REQUESTED, HYPERDRIVE
from faena.runs.schemas import TRIAL, RunView
from faena.server.pages import console
from faena.server.pages.rendering import run_address
from faena.server.pages.run.actions import Offer, offers

_LAST_LINES = 12


class Phase(Struct, frozen=True):
    name: str
    seconds: float
    lasts: bool
    x: float
    width: float
    """In thousandths of the whole."""


class RunTop(Struct, frozen=True):
    run: RunView
    address: str
    is_live: bool
    trial: str
    """Its number, where it is one of a sweep's; else empty."""
    can_cancel: bool
    offers: list[Offer]
    seconds: float | None
    phases: list[Phase]
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
        phases=phases(run, now),
        last_lines=console.shown("\n".join([*last_lines, ""])).text if last_lines else "",
    )


def phases(run: RunView, now: Micros) -> list[Phase]:
    """With their places on a line of 1,000; one that took no time to speak of can be seen still."""
    spans = [max(0, (each.ended_at or now) - each.started_at) / 1e6 for each in run.phases]
    if run.ended_at is not None and run.phases and run.phases[-1].ended_at is None:
        spans[-1] = 0.0
    least = sum(spans) * 0.004 or 1.0
    shares = [max(span, least) for span in spans]
    found, x = [], 0.0
    for each, span, share in zip(run.phases, spans, shares, strict=True):
        width = 1000 * share / sum(shares)
        found.append(Phase(each.name, span, each.ended_at is None, round(x, 2), round(width, 2)))
        x += width
    return found
