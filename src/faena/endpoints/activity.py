"""What an endpoint does, by how its counts stood every two seconds: rates and latencies. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from faena.endpoints.chart_schemas import Curves
from faena.endpoints.schemas import ActivityView, EndpointView, WorkerView
from faena.scoring.history import Recent

SECONDS = 60.0
"""Of which figures are told."""


def with_activity(view: EndpointView, recent: Recent | None) -> EndpointView:
    """And with what its workers use at this moment. None: no front answers."""
    if recent is None:
        return view
    now = {(worker.revision, worker.number): worker for worker in recent.workers}
    revisions = []
    for revision in view.revisions:
        processes = []
        for each in revision.processes:
            found = now.get((revision.number, each.number))
            if found is not None:
                each = WorkerView(
                    found.number,
                    found.state,
                    found.pid,
                    found.restarts,
                    found.memory_bytes or None,
                    found.cpu_seconds,
                    found.cpu,
                )
            processes.append(each)
        revisions.append(replace(revision, processes=tuple(processes)))
    return replace(view, activity=activity(recent), revisions=revisions)


def activity(recent: Recent, seconds: float = SECONDS) -> ActivityView | None:
    """Of the last minute, or since the front was started; None where it has just been."""
    standings = recent.standings
    if len(standings) < 2:
        return None
    last = standings[-1]
    first = next(each for each in standings if last.at - each.at <= seconds)
    if first is last:
        first = standings[-2]
    passed = max(last.at - first.at, 1e-3)
    statuses = _grown(first.statuses, last.statuses)
    took = [after - before for before, after in zip(first.took, last.took, strict=True)]
    count = sum(statuses.values())
    return ActivityView(
        seconds=round(passed, 3),
        requests=count,
        requests_per_second=count / passed,
        errors=sum(number for status, number in statuses.items() if int(status) >= 400),
        statuses=statuses,
        p50=quantile(took, recent.buckets, 0.5),
        p95=quantile(took, recent.buckets, 0.95),
        p99=quantile(took, recent.buckets, 0.99),
        waiting=last.waiting,
        connections=last.connections,
        shadow=last.shadow,
        revisions=_grown(first.answered, last.answered),
    )


def curves(recent: Recent) -> Curves:
    made = Curves([], [], [], [], [], [], [], [], [], [])
    for before, after in zip(recent.standings, recent.standings[1:], strict=False):
        passed = after.at - before.at
        if passed <= 0:  # somebody has turned the clock back
            continue
        statuses = _grown(before.statuses, after.statuses)
        took = [new - old for old, new in zip(before.took, after.took, strict=True)]
        made.at.append(after.at)
        made.requests.append(round(sum(statuses.values()) / passed, 3))
        made.client_errors.append(round(_between(statuses, 400, 500) / passed, 3))
        made.server_errors.append(round(_between(statuses, 500, 1000) / passed, 3))
        for curve, part in ((made.p50, 0.5), (made.p95, 0.95), (made.p99, 0.99)):
            curve.append(quantile(took, recent.buckets, part))
        made.waiting.append(after.waiting)
        made.cpu.append(round(max(0.0, after.cpu_seconds - before.cpu_seconds) / passed, 4))
        made.memory.append(after.memory_bytes)
    return made


def quantile(counts: Sequence[int], bounds: Sequence[float], part: float) -> float | None:
    """Seconds that so great a part took no longer than, spread evenly within each of the `bounds`."""
    total = sum(counts)
    if total <= 0:
        return None
    wanted = part * total
    low = 0.0
    for count, high in zip(counts, bounds, strict=False):
        if count >= wanted and count > 0:
            return round(low + (high - low) * wanted / count, 6)
        wanted -= count
        low = high
    return low  # longer than the last bound: it is not known how much


def _between(statuses: dict[str, int], low: int, high: int) -> int:
    return sum(count for status, count in statuses.items() if low <= int(status) < high)


def _grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """By how much, those alone that have."""
    found = {name: count - before.get(name, 0) for name, count in sorted(after.items())}
    return {name: count for name, count in found.items() if count > 0}
