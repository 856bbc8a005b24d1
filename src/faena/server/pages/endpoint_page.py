"""What the page of endpoints shows: values for its template."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from faena.db import Read
from faena.endpoints import store
from faena.endpoints.folder import EndpointFolder
from faena.endpoints.schemas import EndpointView, RevisionView
from faena.endpoints.views import view
from faena.server.pages import console

_LOG_BYTES = 2 << 10
_MOST_REVISIONS = 10


class RevisionLine(Struct, frozen=True):
    number: int
    state: str
    weight: int
    models: str
    entry: str
    environment: str
    workers: str
    """How many are ready, of how many."""
    memory: int
    """Bytes of all its workers; 0: not known."""
    restarts: int
    created_at: int
    error: str


class EndpointPart(Struct, frozen=True):
    name: str
    state: str
    address: str
    description: str
    tags: list[str]
    keys: str
    revisions: list[RevisionLine]
    error: str
    log: str
    """The last of what the workers wrote of that revision which was deployed last, without escapes."""


def endpoints(read: Read, workspace: Path) -> list[EndpointPart]:
    """By name. Reads small files of their folders."""
    there = store.list_all(read)
    found = store.revisions_of(read, [each.name for each in there])
    parts = []
    for endpoint in there:
        folder = EndpointFolder.of(workspace, endpoint.name)
        own = [revision for revision in found if revision.endpoint == endpoint.name]
        parts.append(_part(view(endpoint, own, folder.status()), folder))
    return parts


def _part(shown: EndpointView, folder: EndpointFolder) -> EndpointPart:
    settings = shown.settings
    log = folder.log_text(shown.revision, _LOG_BYTES)
    return EndpointPart(
        name=shown.name,
        state=shown.state,
        address=shown.scoring_uri or "",
        description=settings.description,
        tags=[f"{key}: {value}" if value else key for key, value in settings.tags.items()],
        keys="two keys" if settings.auth_enabled else "no key asked for",
        revisions=[_revision(each) for each in shown.revisions[:_MOST_REVISIONS]],
        error=_error(shown),
        log=console.shown(log).text if log else "",
    )


def _revision(each: RevisionView) -> RevisionLine:
    ready = sum(worker.state in ("Ready", "Busy") for worker in each.processes)
    return RevisionLine(
        number=each.number,
        state=each.state,
        weight=each.weight,
        models=", ".join(f"{use.name}:{use.version}" for use in each.models) or "none",
        entry=each.entry or each.kind,
        environment=each.environment_name or (each.lock or "")[:12],
        workers=f"{ready} of {each.workers.count}" if each.processes else str(each.workers.count),
        memory=sum(worker.memory_bytes or 0 for worker in each.processes),
        restarts=sum(worker.restarts for worker in each.processes),
        created_at=each.created_at,
        error="" if each.error is None else each.error.message,
    )


def _error(shown: EndpointView) -> str:
    if shown.error is None:
        return ""
    return "\n".join(part for part in (shown.error.message, shown.error.traceback.rstrip()) if part)
