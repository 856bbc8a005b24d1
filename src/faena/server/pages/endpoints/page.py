"""What the pages of endpoints show: values for their templates."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

from faena.db import Read
from faena.endpoints import figures, service, store
from faena.endpoints.activity import with_activity
from faena.endpoints.model import Endpoint
from faena.endpoints.reaching import Reach
from faena.endpoints.schemas import EndpointView, RevisionView
from faena.kernel.errors import ModelNotFoundException, WebserviceException
from faena.models import service as models
from faena.scoring.history import Recent
from faena.server.pages import console, words
from faena.server.pages.addresses import model_address
from faena.server.pages.rendering import run_address

PATH = "/ui/endpoints"
FRONT = "front"
"""In the address of a page, the log of the front instead of a revision's."""
_LOG_BYTES = 32 << 10
_MOST_REVISIONS = 20
_MOST_WORKERS = 32


class EndpointLine(Struct, frozen=True):
    """One of many."""

    name: str
    page: str
    state: str
    models: str
    revisions: str
    workers: str
    rate: str
    """In the last minute, as the next two; empty where no front answers."""
    errors: str
    p95: str
    address: str


class ModelPart(Struct, frozen=True):
    name: str
    page: str
    run: str
    """That it comes from, at `address`; both empty for none."""
    address: str


class RevisionLine(Struct, frozen=True):
    number: int
    state: str
    share: str
    models: list[ModelPart]
    entry: str
    environment: str
    workers: str
    restarts: int
    created_at: int
    error: str


class WorkerLine(Struct, frozen=True):
    revision: int
    number: int
    state: str
    pid: str
    memory: int
    cpu: str
    restarts: int


class LogPart(Struct, frozen=True):
    """`others`: name, address and whether it is the one that is shown."""

    text: str
    others: list[tuple[str, str, bool]]


class EndpointPart(Struct, frozen=True):
    view: EndpointView
    page: str
    rates: list[tuple[str, str]]
    """Of the last minute; empty where no front answers."""
    seconds: float
    shadow: str
    revisions: list[RevisionLine]
    workers: list[WorkerLine]
    more_workers: int
    facts: list[tuple[str, str]]
    error: str
    log: LogPart


def page_address(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"


def many(read: Read, reach: Reach, recent: dict[str, Recent]) -> list[EndpointLine]:
    """By name. Reads small files of their folders."""
    there = store.list_all(read)
    found = store.revisions_of(read, [each.name for each in there])
    lines = []
    for endpoint in there:
        own = [revision for revision in found if revision.endpoint == endpoint.name]
        lines.append(_line(with_activity(reach.view(read, endpoint, own), recent.get(endpoint.name))))
    return lines


def _line(shown: EndpointView) -> EndpointLine:
    answering = [each for each in shown.revisions if each.weight] or shown.revisions[:1]
    activity = shown.activity
    return EndpointLine(
        name=shown.name,
        page=page_address(shown.name),
        state=shown.state,
        models=", ".join(dict.fromkeys(map(figures.models, answering))),
        revisions=", ".join(str(each.number) for each in answering),
        workers=", ".join(map(figures.workers, answering)),
        rate="" if activity is None else figures.rate(activity.requests_per_second),
        errors="" if activity is None else f"{activity.errors:,}",
        p95="" if activity is None else figures.latency(activity.p95),
        address=shown.scoring_uri or "",
    )


def one(read: Read, reach: Reach, name: str, recent: Recent | None, log: str, text: str) -> EndpointPart:
    """`log`: the number of a revision, or "front"; empty: the revision that was deployed last; `text`: that log, as
    `log_of` gives it. Raises NotFound."""
    endpoint = service.get(read, name)
    shown = with_activity(reach.view(read, endpoint), recent)
    activity = shown.activity
    processes = [(each.number, worker) for each in shown.revisions for worker in each.processes]
    return EndpointPart(
        view=shown,
        page=page_address(name),
        rates=_rates(shown),
        seconds=0 if activity is None else activity.seconds,
        shadow="" if activity is None else figures.shadow(activity.shadow),
        revisions=[_revision(read, shown, each) for each in shown.revisions[:_MOST_REVISIONS]],
        workers=[
            WorkerLine(
                revision=number,
                number=each.number,
                state=each.state,
                pid="" if each.pid is None else str(each.pid),
                memory=each.memory_bytes or 0,
                cpu=figures.cpu(each.cpu),
                restarts=each.restarts,
            )
            for number, each in processes[:_MOST_WORKERS]
        ],
        more_workers=max(0, len(processes) - _MOST_WORKERS),
        facts=_facts(shown),
        error=_error(shown),
        log=_log(shown, log, text),
    )


def _rates(shown: EndpointView) -> list[tuple[str, str]]:
    activity = shown.activity
    if activity is None:
        return []
    return [
        ("Requests", figures.rate(activity.requests_per_second)),
        ("Errors", figures.errors(activity)),
        ("p50", figures.latency(activity.p50)),
        ("p95", figures.latency(activity.p95)),
        ("p99", figures.latency(activity.p99)),
        ("Waiting", f"{activity.waiting:,}"),
        ("Connections", f"{activity.connections:,}"),
    ]


def _revision(read: Read, shown: EndpointView, each: RevisionView) -> RevisionLine:
    return RevisionLine(
        number=each.number,
        state=each.state,
        share=figures.share(each, shown),
        models=[_model(read, use.name, use.version) for use in each.models],
        entry=each.entry or each.kind,
        environment=each.environment_name or (each.lock or "")[:12],
        workers=figures.workers(each),
        restarts=sum(worker.restarts for worker in each.processes),
        created_at=each.created_at,
        error="" if each.error is None else each.error.message,
    )


def _model(read: Read, name: str, version: int) -> ModelPart:
    try:
        run = models.get(read, name, version).run_id or ""
    except ModelNotFoundException:  # of a revision that cannot be rolled back to any more
        run = ""
    return ModelPart(f"{name}:{version}", model_address(name, version), run, run_address(run) if run else "")


def _facts(shown: EndpointView) -> list[tuple[str, str]]:
    settings, limits = shown.settings, shown.settings.limits
    found = {
        "Keys": "two" if settings.auth_enabled else "none: whoever reaches it may ask",
        "Place": figures.place(shown),
        "Description": settings.description,
        "Tags": ", ".join(f"{key}: {value}" if value else key for key, value in settings.tags.items()),
        "Created": words.when(shown.created_at),
        "Changed": words.when(shown.updated_at),
        "Time limit": words.seconds(limits.timeout_seconds),
        "Body": f"{words.size(limits.body_bytes)} at most",
        "Queue": f"{limits.queue:,} at most",
        "Sticky by": settings.sticky_header or "",
        "Shadow": "" if shown.shadow is None else f"revision {shown.shadow}",
    }
    return [(name, text) for name, text in found.items() if text]


async def log_of(reach: Reach, endpoint: Endpoint, asked: str) -> str:
    """The end of a log; empty where its machine does not give it."""
    known = len(asked) < 10 and asked.isdecimal() and 1 <= int(asked) <= endpoint.latest
    number = None if asked == FRONT else int(asked) if known else endpoint.latest
    try:
        return await reach.log_text(endpoint, number, _LOG_BYTES)
    except WebserviceException:
        return ""


def _log(shown: EndpointView, asked: str, text: str) -> LogPart:
    numbers = [str(each.number) for each in shown.revisions[:_MOST_REVISIONS]]
    chosen = asked if asked in (*numbers, FRONT) else str(shown.revision)
    names = [(number, f"revision {number}") for number in numbers] + [(FRONT, "front")]
    return LogPart(
        text=console.shown(text).text if text else "",
        others=[(title, f"{page_address(shown.name)}?log={name}", name == chosen) for name, title in names],
    )


def _error(shown: EndpointView) -> str:
    if shown.error is None:
        return ""
    return "\n".join(part for part in (shown.error.message, shown.error.traceback.rstrip()) if part)
