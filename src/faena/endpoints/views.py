"""What is told of endpoints: rows, and what their fronts say at this moment."""

from __future__ import annotations

from faena.compute.machines.model import Machine
from faena.endpoints.model import Endpoint, Revision, Stage
from faena.endpoints.schemas import (
    EndpointView,
    FailureView,
    RevisionState,
    RevisionView,
    State,
    WorkerView,
)
from faena.runs import variables
from faena.scoring.status import Failure, RevisionStatus, Status

_LOCAL = ("0.0.0.0", "::", "")
"""Addresses that mean all of the host's: its own is told."""

_ITSELF = ("127.0.0.1", "localhost", "::1")


def view(
    endpoint: Endpoint, revisions: list[Revision], status: Status | None, machine: Machine | None = None
) -> EndpointView:
    """`status`: what the front says now; None while there is none. `machine`: that it is on, if not here."""
    return EndpointView(
        name=endpoint.name,
        state=state_of(endpoint),
        version=endpoint.version,
        created_at=endpoint.created_at,
        updated_at=endpoint.updated_at,
        revision=endpoint.latest,
        traffic={str(number): weight for number, weight in sorted(endpoint.traffic.items())},
        shadow=endpoint.shadow,
        is_settled=endpoint.wanted is None and endpoint.deleted_at is None,
        error=endpoint.failure,
        port=endpoint.port,
        scoring_uri=_uri(endpoint, machine, "score"),
        swagger_uri=_uri(endpoint, machine, "swagger.json"),
        settings=endpoint.settings,
        revisions=[_revision(endpoint, revision, status) for revision in revisions],
        machine="" if machine is None else machine.name,
    )


def state_of(endpoint: Endpoint) -> State:
    if endpoint.deleted_at is not None:
        return "Deleting"
    if endpoint.traffic:
        return "Healthy" if endpoint.state == "Healthy" else "Unhealthy"
    return "Failed" if endpoint.wanted is None else "Transitioning"


def failure_view(failure: Failure) -> FailureView:
    return FailureView(failure.message, failure.traceback or "", failure.exit_code, failure.signal)


def _uri(endpoint: Endpoint, machine: Machine | None, path: str) -> str | None:
    if endpoint.port is None or (endpoint.settings.cluster and machine is None):
        return None
    host = endpoint.settings.host
    if host in (*_LOCAL, *_ITSELF):
        host = "localhost" if machine is None else machine.told.address
    host = f"[{host}]" if ":" in host else host
    scheme = "http" if endpoint.settings.tls is None else "https"
    return f"{scheme}://{host}:{endpoint.port}/{path}"


def _revision(endpoint: Endpoint, revision: Revision, status: Status | None) -> RevisionView:
    spec = revision.spec
    said = None if status is None else status.revisions.get(str(revision.number))
    given = spec.inherited_variables | spec.environment_variables
    return RevisionView(
        number=revision.number,
        state=_state(endpoint, revision, said),
        created_at=revision.created_at,
        models=spec.models,
        snapshot=spec.snapshot,
        entry=spec.entry,
        kind=spec.kind or "",
        environment_name=spec.environment_name,
        lock=revision.lock,
        python=revision.python,
        workers=spec.workers,
        weight=endpoint.traffic.get(revision.number, 0),
        error=revision.failure or (None if said is None or said.error is None else failure_view(said.error)),
        processes=() if said is None else tuple(_workers(said)),
        environment_variables=variables.shown(given),
        description=spec.description,
    )


def _state(endpoint: Endpoint, revision: Revision, said: RevisionStatus | None) -> RevisionState:
    if revision.stage is not Stage.FAILED and revision.number not in endpoint.used:
        return "Retired"  # also one that another took the place of before it answered
    match revision.stage:
        case Stage.PREPARING:
            return "Preparing"
        case Stage.FAILED:
            return "Failed"
        case Stage.RETIRED:
            return "Retired"
    if said is None or said.state == "Transitioning":
        return "Starting"
    return "Healthy" if said.state == "Healthy" else "Unhealthy"


def _workers(said: RevisionStatus) -> list[WorkerView]:
    return [
        WorkerView(each.number, each.state, each.pid, each.restarts, each.rss_bytes or None)
        for each in said.workers
    ]
