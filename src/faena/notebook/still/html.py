"""A view as HTML that stays what it is in a saved notebook, with and without a kernel."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from faena.notebook.still import svg
from faena.notebook.still.escaping import address
from faena.notebook.still.escaping import html as escaped
from faena.notebook.views.blocks import (
    AnyBlock,
    Cell,
    Charts,
    Column,
    Facts,
    Heading,
    LogTail,
    Notice,
    Parallel,
    Table,
    Timeline,
    View,
)
from faena.notebook.views.words import seconds


@cache
def style() -> str:
    """Of both forms."""
    return files("faena.notebook.still").joinpath("view.css").read_text("utf-8")


def page(view: View, key: str = "", at: str = "") -> str:
    """`key`: by which a page's script finds it. `at`: of when it is, where it may be another in a moment."""
    blocks = "".join(block(each) for each in view.blocks)
    found = f" fv-key-{escaped(key)}" if key else ""
    when = _more(f"As it was on {at}." if at else "")
    return f'<style>{style()}</style><div class="faena-view{found}">{blocks}{when}</div>'


def block(found: AnyBlock) -> str:
    match found:
        case Heading():
            return _heading(found)
        case Notice():
            lines = f"<pre>{escaped(chr(10).join(found.lines))}</pre>" if found.lines else ""
            return f'<div class="fv-notice fv-{found.tone}"><p>{escaped(found.text)}</p>{lines}</div>'
        case Timeline():
            return _timeline(found)
        case LogTail():
            return _section(found.name, f'<div class="fv-log"><pre>{escaped(found.text)}</pre></div>')
        case Charts():
            return _charts(found)
        case Facts():
            facts = "".join(
                f"<tr><th>{escaped(each.name)}</th><td>{escaped(each.text)}</td></tr>" for each in found.facts
            )
            return _folded(found.title, f'<table class="fv-facts">{facts}</table>')
        case Table():
            return _table(found)
        case Parallel():
            return _section(found.title, f'<div class="fv-wide">{svg.parallel(found)}</div>', found.more)


def _heading(found: Heading) -> str:
    facts = [f'<b class="fv-status fv-{found.tone}">{escaped(found.status)}</b>']
    if found.elapsed is not None:
        facts.append(f"<span>{'for' if found.goes_on else 'took'} <b>{seconds(found.elapsed)}</b></span>")
    facts += [
        f"<span>{escaped(each.name)}{' ' if each.name else ''}<b>{escaped(each.text)}</b></span>"
        for each in found.facts
    ]
    if page := address(found.page):
        facts.append(_link(page, "Open page"))
    if found.stops and (page := address(found.stop_page)):
        facts.append(_link(page, f"{escaped(found.stops)}…"))
    trouble = f'<p class="fv-notice fv-wait">{escaped(found.trouble)}</p>' if found.trouble else ""
    return f"<h3>{escaped(found.title)}</h3><p class=fv-under>{' '.join(facts)}</p>{trouble}"


def _link(page: str, text: str) -> str:
    return f'<a href="{page}" target="_blank" rel="noopener">{text}</a>'


def _timeline(found: Timeline) -> str:
    items = "".join(
        f'<li class="fv-{escaped(each.name)}">{escaped(each.name)} <b>{seconds(each.seconds)}</b>'
        f"{' …' if each.goes_on else ''}{f' waits: {escaped(each.blocker)}' if each.blocker else ''}</li>"
        for each in found.drawn.legend
    )
    return f'<div class="fv-phases">{svg.timeline(found.drawn)}<ol>{items}</ol></div>' if items else ""


def _charts(found: Charts) -> str:
    figures = "".join(
        f"<figure><figcaption><b>{escaped(each.title)}</b> <span>{escaped(each.last)}</span></figcaption>"
        f"{svg.chart(each, wide=found.wide)}</figure>"
        for each in found.charts
    )
    body = f'<div class="fv-charts{" fv-broad" if found.wide else ""}">{figures}</div>'
    if found.folded:
        return _folded(found.title, body, found.more)
    return _section(found.title, body, found.more)


def _table(found: Table) -> str:
    head = "".join(f"<th{_side(column)}>{escaped(column.name)}</th>" for column in found.columns)
    rows = "".join(
        f"<tr>{''.join(_cell(cell, column) for cell, column in zip(row, found.columns, strict=False))}</tr>"
        for row in found.rows
    )
    table = f'<table class="fv-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return _section(found.title, f'<div class="fv-wide fv-rows">{table}</div>', found.more)


def _cell(cell: Cell, column: Column) -> str:
    if cell.tone:
        return f'<td><span class="fv-status fv-{cell.tone}">{escaped(cell.text)}</span></td>'
    return f"<td{_side(column)}>{escaped(cell.text)}</td>"


def _side(column: Column) -> str:
    return ' class="fv-number"' if column.is_number else ""


def _section(title: str, body: str, more: str = "") -> str:
    return f"<section><h4>{escaped(title)}</h4>{body}{_more(more)}</section>"


def _folded(title: str, body: str, more: str = "") -> str:
    return f"<details><summary>{escaped(title)}</summary>{body}{_more(more)}</details>"


def _more(text: str) -> str:
    return f"<p class=fv-more>{escaped(text)}</p>" if text else ""
