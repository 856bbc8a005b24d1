"""HTTP of traces."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import Parameter

from faena.db import Database, Read, Write
from faena.kernel.clock import Clock
from faena.kernel.rights import CONTRIBUTE, OWN, READ
from faena.kernel.routing import Router
from faena.objects.service import Objects
from faena.traces import assessing, finding, service, spans, store, views
from faena.traces.finding import Wanted
from faena.traces.schemas import (
    AssessmentGiven,
    AssessmentView,
    SpanPage,
    TraceChange,
    TracePage,
    TraceView,
    WholeSpan,
)

Limit = Annotated[int, Parameter(ge=1, le=500)]
Start = Annotated[int, Parameter(query="from", ge=0, le=10_000_000)]


@get("/", summary="Traces of an experiment, of a run or of all, the latest first, in pages", opt=READ)
async def list_traces(
    database: Database,
    experiment: str | None = None,
    run: str | None = None,
    status: str | None = None,
    text: Annotated[str | None, Parameter(max_length=200)] = None,
    after: str | None = None,
    limit: Limit = 100,
) -> TracePage:
    """`text`: in their names, or in the beginnings of what was asked and answered. `after`: the last one of a page."""

    def work(read: Read) -> TracePage:
        found = finding.find(read, Wanted(experiment, run, status, text), limit + 1, after=after)
        shown = views.of_many(read, found[:limit])
        return TracePage(shown, shown[-1].id if len(found) > limit else None)

    return await database.read(work)


@get("/{trace_id:str}", summary="A trace without its spans", opt=READ)
async def show(trace_id: str, database: Database) -> TraceView:
    return await database.read(lambda read: views.of_one(read, service.get(read, trace_id)))


@get("/{trace_id:str}/spans", summary="Spans of a trace as a tree is read, in pages", opt=READ)
async def list_spans(
    trace_id: str,
    database: Database,
    objects: Objects,
    start: Start = 0,
    limit: Annotated[int, Parameter(ge=1, le=10_000)] = 1000,
) -> SpanPage:
    found = await spans.outline(database, objects, trace_id)
    return SpanPage([views.span(each) for each in found[start : start + limit]], len(found))


@get("/{trace_id:str}/spans/{span_id:str}", summary="All that was told of a span", opt=READ)
async def show_span(trace_id: str, span_id: str, database: Database, objects: Objects) -> WholeSpan:
    return await spans.one(database, objects, trace_id, span_id)


@patch("/{trace_id:str}", summary="Change a trace's tags", opt=CONTRIBUTE)
async def change(trace_id: str, data: TraceChange, database: Database) -> TraceView:
    def work(write: Write) -> TraceView:
        service.change_tags(write, trace_id, data.add_tags, data.remove_tags)
        return views.of_one(write, service.get(write, trace_id))

    return await database.write(work)


@delete("/{trace_id:str}", summary="Delete a trace for good, with its spans and assessments", opt=OWN)
async def remove(trace_id: str, database: Database) -> None:
    """Silent when it was deleted before."""
    await database.write(lambda write: store.delete(write, [trace_id]))


@post("/{trace_id:str}/assessments", status_code=200, summary="Say something of a trace", opt=CONTRIBUTE)
async def assess(trace_id: str, data: AssessmentGiven, database: Database, clock: Clock) -> AssessmentView:
    made = assessing.made(trace_id, data, clock.now())

    def work(write: Write) -> AssessmentView:
        assessing.add(write, made)
        return views.assessment(made)

    return await database.write(work)


@delete("/{trace_id:str}/assessments/{assessment_id:str}", summary="Take back what was said", opt=OWN)
async def remove_assessment(trace_id: str, assessment_id: str, database: Database) -> None:
    """Silent when it was taken back before."""
    await database.write(lambda write: assessing.remove(write, trace_id, assessment_id))


router = Router(
    "/traces",
    route_handlers=[
        list_traces,
        show,
        list_spans,
        show_span,
        change,
        remove,
        assess,
        remove_assessment,
    ],
    tags=["traces"],
)
