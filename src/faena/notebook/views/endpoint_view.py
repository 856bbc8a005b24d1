"""What is shown of an endpoint: its state, what is asked of it, its revisions and workers."""

from __future__ import annotations

from msgspec import Struct

from faena.endpoints import figures
from faena.endpoints.chart_schemas import Curves
from faena.endpoints.schemas import EndpointView, RevisionView
from faena.notebook.views.blocks import (
    AnyBlock,
    Cell,
    Chart,
    Charts,
    Column,
    Fact,
    Heading,
    Line,
    LogTail,
    Notice,
    Table,
    Tone,
    View,
)
from faena.notebook.views.words import cut, one_line, tone

_MOST_REVISIONS = 20


class KnownEndpoint(Struct, frozen=True):
    view: EndpointView
    activity: Curves | None
    """None where no front answers."""
    log: str = ""
    page: str = ""
    trouble: str = ""
    deleted: bool = False


def of_endpoint(known: KnownEndpoint) -> View:
    shown = known.view
    blocks: list[AnyBlock] = [_heading(known)]
    if shown.error is not None:
        lines = tuple(cut(line, 400) for line in shown.error.traceback.splitlines()[-20:])
        blocks.append(Notice("error", cut(shown.error.message, 4000), "bad", lines))
    if known.activity is not None and known.activity.at:
        blocks.append(_charts(known.activity))
    blocks.append(_revisions(shown))
    if known.log:
        blocks.append(LogTail("log", "The end of the log", known.log))
    return View(_line(known), tuple(blocks), known.deleted)


def _heading(known: KnownEndpoint) -> Heading:
    shown = known.view
    facts = [Fact("Revision", str(shown.revision))]
    if shown.scoring_uri:
        facts.append(Fact("Address", shown.scoring_uri))
    if (now := shown.activity) is not None:
        facts += [
            Fact("Requests", figures.rate(now.requests_per_second)),
            Fact("Errors", figures.errors(now)),
            Fact("p50", figures.latency(now.p50)),
            Fact("p95", figures.latency(now.p95)),
            Fact("Waiting", f"{now.waiting:,}"),
        ]
    state = "Deleted" if known.deleted else shown.state
    return Heading(
        "heading", shown.name, state, tone(state), tuple(facts), page=known.page, trouble=known.trouble
    )


def _charts(activity: Curves) -> Charts:
    since = [at - activity.at[-1] for at in activity.at]
    rates = (
        Line(since, list(activity.requests), "requests", "go"),
        Line(since, list(activity.client_errors), "4xx", "wait"),
        Line(since, list(activity.server_errors), "5xx", "bad"),
    )
    times = (
        _milliseconds(since, activity.p50, "p50", "go"),
        _milliseconds(since, activity.p95, "p95", "wait"),
        _milliseconds(since, activity.p99, "p99", "bad"),
    )
    last = activity.p95[-1]
    return Charts(
        "activity",
        "The last minutes",
        (
            Chart("Requests, 4xx and 5xx a second", "s", rates, figures.rate(activity.requests[-1])),
            Chart("p50, p95 and p99 in ms", "s", times, figures.latency(last)),
            Chart("Waiting", "s", (Line(since, list(activity.waiting)),), f"{activity.waiting[-1]:,.0f}"),
            Chart("CPU in cores", "s", (Line(since, list(activity.cpu)),), f"{activity.cpu[-1]:.2f}"),
        ),
    )


def _milliseconds(since: list[float], values: list[float | None], name: str, look: Tone) -> Line:
    return Line(since, [None if each is None else each * 1000 for each in values], name, look)


def _revisions(shown: EndpointView) -> Table:
    columns = (
        Column("Revision", is_number=True),
        Column("State"),
        Column("Share"),
        Column("Models"),
        Column("Workers"),
        Column("Error"),
    )
    rows = tuple(_row(each, shown) for each in shown.revisions[:_MOST_REVISIONS])
    return Table("revisions", "Revisions", columns, rows)


def _row(each: RevisionView, shown: EndpointView) -> tuple[Cell, ...]:
    error = "" if each.error is None else each.error.message
    return (
        Cell(str(each.number)),
        Cell(each.state, tone(each.state)),
        Cell(figures.share(each, shown)),
        Cell(cut(figures.models(each), 200)),
        Cell(figures.workers(each)),
        Cell(cut(error, 200)),
    )


def _line(known: KnownEndpoint) -> str:
    shown = known.view
    said = f"Endpoint {shown.name}: {'Deleted' if known.deleted else shown.state}, revision {shown.revision}"
    if shown.scoring_uri and not known.deleted:
        said += f" at {shown.scoring_uri}"
    if (now := shown.activity) is not None:
        said += f"; {figures.rate(now.requests_per_second)}, p95 {figures.latency(now.p95)}"
    if shown.error is not None:
        said += f": {shown.error.message}"
    if known.trouble:
        said += f" ({known.trouble})"
    return one_line(said)
