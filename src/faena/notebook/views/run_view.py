"""What is shown of a run."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.notebook.views.blocks import (
    AnyBlock,
    Chart,
    Charts,
    Fact,
    Facts,
    Heading,
    Line,
    LogTail,
    Notice,
    Timeline,
    View,
)
from faena.notebook.views.words import cut, number, one_line, seconds, tone
from faena.runs.list_schemas import Curve, Curves, NamedCurve
from faena.runs.phase_timeline import phase_timeline
from faena.runs.schemas import RunView

MOST_CHARTS = 12
MOST_SYSTEM = 6
PIXELS = 300
_LAST_LINES = 12
_MOST_FACTS = 12
_LONGEST = 300


class KnownRun(Struct, frozen=True):
    """What was asked of a run."""

    run: RunView
    now: Micros
    log: LogTail | None = None
    curves: Curves | None = None
    system: Curves | None = None
    page: str = ""
    stop_page: str = ""
    trouble: str = ""


def of_run(known: KnownRun) -> View:
    run = known.run
    blocks: list[AnyBlock] = [heading(known, "Cancel run"), *notices(run), timeline(run, known.now)]
    if known.curves is not None and known.curves.charts:
        blocks.append(charts("metrics", "Metrics", known.curves))
    if known.system is not None and known.system.charts:
        blocks.append(charts("system", "Machine", known.system, folded=True))
    if known.log is not None:
        blocks.append(known.log)
    if marks := [*run.tags.items(), *run.properties.items()][:_MOST_FACTS]:
        facts = tuple(Fact(cut(name, 80), cut(value, _LONGEST)) for name, value in marks)
        blocks.append(Facts("marks", "Tags and properties", facts))
    return View(line(known), tuple(blocks), run.ended_at is not None)


def heading(known: KnownRun, stops: str) -> Heading:
    """`stops`: what it is called that stops it."""
    run = known.run
    goes_on = run.ended_at is None
    facts = [Fact("Experiment", f"{run.experiment}, number {run.number}")]
    if run.name and run.name != run.id:
        facts.append(Fact("Run", run.id))
    if run.cluster:
        facts.append(Fact("On", run.cluster))
    if run.command:
        facts.append(Fact("Command", cut(run.command, 160)))
    return Heading(
        "heading",
        title=cut(run.name or run.id, 200),
        status=run.status,
        tone=tone(run.status),
        facts=tuple(facts),
        elapsed=elapsed(run, known.now),
        goes_on=goes_on and run.started_at is not None,
        page=known.page,
        stops=stops if goes_on and run.status != "CancelRequested" and known.stop_page else "",
        stop_page=known.stop_page,
        trouble=known.trouble,
    )


def elapsed(run: RunView, now: Micros) -> float | None:
    return None if run.started_at is None else max(0, (run.ended_at or now) - run.started_at) / 1e6


def notices(run: RunView) -> list[Notice]:
    """What it waits for, what must be known of it, why it failed."""
    found = []
    if run.blocker:
        found.append(Notice("blocker", f"Waits: {cut(run.blocker, 1000)}"))
    found += [Notice(f"note-{at}", cut(note.message, 1000), "soft") for at, note in enumerate(run.notes[:5])]
    if run.error is not None:
        lines = tuple(cut(line, 400) for line in run.error.last_lines[-_LAST_LINES:])
        found.append(Notice("error", cut(run.error.message, 4000), "bad", lines))
    return found


def timeline(run: RunView, now: Micros) -> Timeline:
    return Timeline("phases", phase_timeline(run, now))


def charts(block: str, title: str, curves: Curves, *, folded: bool = False) -> Charts:
    more = curves.total - len(curves.charts)
    return Charts(
        block,
        title,
        tuple(chart(each) for each in curves.charts),
        f"{counted(more, 'more metric')} on the page." if more > 0 else "",
        folded,
    )


def chart(curve: NamedCurve) -> Chart:
    drawn = curve.chart
    axis = "step" if drawn.axis == "step" else "value"
    return Chart(cut(curve.name, 120), axis, (Line(drawn.x, drawn.y),), _last(drawn))


def _last(drawn: Curve) -> str:
    return "not finite" if drawn.last is None and drawn.count else number(drawn.last)


def line(known: KnownRun) -> str:
    """`Run mnist_1: Running for 12.3 s; loss 0.12, accuracy 0.97`."""
    run = known.run
    said = f"Run {run.id}: {run.status}"
    took = elapsed(run, known.now)
    if took is not None:
        said += f" {'for' if run.ended_at is None else 'after'} {seconds(took)}"
    if run.blocker:
        said += f", waits: {run.blocker}"
    if run.error is not None:
        said += f": {run.error.message}"
    values = [] if known.curves is None else last_values(known.curves.charts[:4])
    if values:
        said += f"; {', '.join(values)}"
    if known.trouble:
        said += f" ({known.trouble})"
    return one_line(said)


def last_values(curves: Sequence[NamedCurve]) -> list[str]:
    return [f"{each.name} {_last(each.chart)}" for each in curves if each.chart.count]
