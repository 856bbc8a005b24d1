"""What becomes of an endpoint by what its front says: who answers now, what has failed, what is kept. Pure rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from faena.endpoints.model import Endpoint, Revision, Stage
from faena.endpoints.schemas import FailureView
from faena.endpoints.views import failure_view
from faena.scoring.status import State, Status

KEPT = 5
"""Revisions that answered once and are kept, so that one can be rolled back to."""


@dataclass(frozen=True, slots=True)
class Settled:
    """`endpoint` with what has changed; the revisions that failed, that retire, and that are forgotten."""

    endpoint: Endpoint
    failed: tuple[tuple[Revision, FailureView], ...] = ()
    retired: tuple[Revision, ...] = ()
    forgotten: tuple[Revision, ...] = ()


def settle(
    endpoint: Endpoint,
    revisions: Sequence[Revision],
    status: Status | None,
    trouble: FailureView | None = None,
) -> Settled:
    """`status`: of a front that lives; None where there is none (yet). `trouble`: why none can be looked after."""
    by_number = {revision.number: revision for revision in revisions}
    if endpoint.wanted is not None:
        failed = _failed(endpoint, by_number, status)
        if failed:
            why = failed[0][1]
            return Settled(
                replace(_as_said(endpoint, status, trouble), wanted=None, failure=why), failed=failed
            )
        if status is not None and status.port is not None and set(status.serving) == set(endpoint.wanted):
            arrived = replace(
                _as_said(endpoint, status, trouble), traffic=endpoint.wanted, wanted=None, failure=None
            )
            retired = tuple(
                each for each in revisions if each.stage is Stage.READY and each.number not in arrived.used
            )
            return Settled(arrived, retired=retired, forgotten=_forgotten(arrived, revisions))
    return Settled(_as_said(endpoint, status, trouble))


def _failed(
    endpoint: Endpoint, by_number: dict[int, Revision], status: Status | None
) -> tuple[tuple[Revision, FailureView], ...]:
    """Of the revisions that are wanted those that will not answer, and why."""
    found = []
    for number in endpoint.wanted or {}:
        revision = by_number.get(number)
        if revision is None:
            continue
        if revision.stage is Stage.FAILED:
            found.append((revision, revision.failure or FailureView("It is not known why.")))
            continue
        said = None if status is None else status.revisions.get(str(number))
        if said is not None and said.state == State.FAILED:
            why = (
                FailureView("Its workers did not start.") if said.error is None else failure_view(said.error)
            )
            found.append((revision, why))
    if not found and status is not None and status.state == State.FAILED and status.port is None:
        why = FailureView("It cannot listen.") if status.error is None else failure_view(status.error)
        latest = by_number.get(endpoint.latest)
        if latest is not None and latest.number in (endpoint.wanted or {}) and not endpoint.traffic:
            found.append((latest, why))
    return tuple(found)


def _as_said(endpoint: Endpoint, status: Status | None, trouble: FailureView | None) -> Endpoint:
    if status is None:
        known = replace(endpoint, failure=trouble or endpoint.failure)
        return known if not endpoint.traffic else replace(known, state="Unhealthy")
    failure = endpoint.failure
    if endpoint.traffic and endpoint.wanted is None and status.state != State.HEALTHY and status.error:
        failure = failure_view(status.error)
    elif endpoint.state != "Healthy" and status.state == State.HEALTHY:
        failure = None
    return replace(
        endpoint, state=str(status.state.value), port=status.port or endpoint.port, failure=failure
    )


def _forgotten(endpoint: Endpoint, revisions: Sequence[Revision]) -> tuple[Revision, ...]:
    """Those that nobody rolls back to any more, those that failed before others that answer, those that never answered.

    One that is not used is not made ready, however it was left.
    """
    done = [
        each for each in sorted(revisions, key=lambda each: -each.number) if each.number not in endpoint.used
    ]
    lasting = [each for each in done if each.stage is not Stage.FAILED]
    return tuple(lasting[KEPT:]) + tuple(each for each in done if each.stage is Stage.FAILED)[KEPT:]
