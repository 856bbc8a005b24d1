"""What is shown of traces, for people: a list, and one as a tree of its steps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import rich_click as click

from faena.cli.layout import (
    Cell,
    Column,
    Row,
    harmless,
    print_facts,
    print_prose,
    print_table,
    shortened,
    show_time,
    styled,
    terminal_width,
    width_of,
)
from faena.kernel import durations
from faena.traces.schemas import AssessmentView, SpanView, TraceView

_COLOURS = {"ok": "green", "failed": "red", "in progress": "cyan"}
_LONGEST, _LONGEST_IN_LIST = 2_000, 60
_DEEPEST = 12
"""Steps that are deeper are drawn as deep as this."""
_BAR, _NAME = 24, 20
"""Columns of a bar, and the fewest that a step's name needs."""
_TOOK = 9


def traces(found: Sequence[TraceView], empty: str) -> None:
    rows: list[Row] = [
        [
            each.id,
            Cell(each.status, _COLOURS.get(each.status, "")),
            show_time(each.began_at),
            _took(each.began_at, each.ended_at, 1e6),
            _one_line(each.name or each.request or "", _LONGEST_IN_LIST),
        ]
        for each in found
    ]
    columns: list[str | Column] = ["Trace", "Status", "Began", Column("Took", right=True)]
    print_table([*columns, Column("Name", prose=True)], rows, empty=empty)


def trace(view: TraceView, spans: Sequence[SpanView], total: int) -> None:
    """`total`: steps that it has; those that are not among `spans` are counted."""
    click.echo(f"{styled(view.id, bold=True)}  {styled(view.status, _COLOURS.get(view.status, ''))}")
    took = _took(view.began_at, view.ended_at, 1e6)
    print_facts(
        {
            "Name": view.name,
            "Experiment": view.experiment,
            "Run": view.run_id or "",
            "Put to": ", ".join(view.runs),
            "Began": show_time(view.began_at) + (f", took {took}" if took else ""),
            "Asked": shortened(view.request or "", _LONGEST),
            "Answered": shortened(view.response or "", _LONGEST),
            "Tags": _pairs(view.tags),
        }
    )
    if spans:
        click.echo()
        for line in tree_lines(spans, terminal_width()):
            click.echo(line)
    if total > len(spans):
        print_prose(f"and {total - len(spans):,} more steps: --limit")
    if view.assessments:
        click.echo()
        print_table(["Said", "Of it", "By", Column("Why", prose=True)], [_said(e) for e in view.assessments])


def tree_lines(spans: Sequence[SpanView], width: int | None) -> list[str]:
    """A line for each step: its place, how long it took and, on a terminal, when."""
    begun = min(span.began_ns for span in spans)
    over = max((span.ended_ns or span.began_ns for span in spans), default=begun)
    digits = len(f"{len(spans)}")
    named = [f"{number:>{digits}}  {_label(span)}" for number, span in enumerate(spans, 1)]
    bar = _BAR if width is not None and width >= _NAME + _TOOK + _BAR else 0
    room = max(map(width_of, named))
    if width is not None:
        room = max(_NAME, min(room, width - _TOOK - bar - (4 if bar else 2)))
    lines = []
    for span, label in zip(spans, named, strict=True):
        text = _fitted(label, room)
        took = _took(span.began_ns, span.ended_ns, 1e9) or "…"
        line = f"{text}{' ' * (room - width_of(text))}  {took:>{_TOOK}}"
        if bar:
            line += "  " + _bar(span, begun, max(1, over - begun), bar)
        elif span.status == "failed":
            line += "  failed"
        lines.append(styled(line.rstrip(), "red") if span.status == "failed" else line.rstrip())
    return lines


def _label(span: SpanView) -> str:
    kind = f"  {span.kind}" if span.kind else ""
    return harmless(f"{'  ' * min(span.depth, _DEEPEST)}{span.name or span.id}{kind}")


def _fitted(text: str, room: int) -> str:
    """What is wider ends in a mark."""
    if width_of(text) <= room:
        return text
    while text and width_of(text) > room - 1:
        text = text[:-1]
    return f"{text}…"


def _bar(span: SpanView, begun: int, whole: int, width: int) -> str:
    start = int((span.began_ns - begun) / whole * width)
    length = max(1, round(((span.ended_ns or span.began_ns) - span.began_ns) / whole * width))
    start = min(start, width - 1)
    return " " * start + "━" * min(length, width - start)


def _said(each: AssessmentView) -> Row:
    told = each.value if each.error is None else each.error
    plain = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
    value = ("" if each.error is None else "no value: ") + _one_line(plain, _LONGEST_IN_LIST)
    by = f"{each.source_id or each.source_kind}".strip()
    held = "" if each.is_valid else " (replaced)"
    return [each.name, f"{value}{held}", by, _one_line(each.rationale or "", _LONGEST)]


def _pairs(values: Mapping[str, str]) -> str:
    shown = {key: value for key, value in values.items() if not key.startswith("mlflow.")}
    return ", ".join(f"{key}={_one_line(value, _LONGEST_IN_LIST)}" for key, value in shown.items())


def _one_line(text: str, most: int) -> str:
    flat = " ".join(text[: most * 4].split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def _took(begun: int, ended: int | None, unit: float) -> str:
    if ended is None:
        return ""
    seconds = max(0, ended - begun) / unit
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else durations.shown(seconds)
