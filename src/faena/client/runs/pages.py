"""Pages that a notebook's user can click: a run, or an experiment's runs, as they are when the address is asked for.

Each is one static HTML file in the workspace's folder, light or dark as the reader's browser is. In a notebook, whose
page may open no file, it is the page that the workspace's server serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from faena.client.workspaces import links
from faena.client.workspaces.session import Session
from faena.kernel import digests, experiment_names
from faena.kernel.clock import iso, seconds_between
from faena.kernel.durable import write_atomically
from faena.kernel.plural import counted

if TYPE_CHECKING:
    from faena.runs.list_schemas import RunRow
    from faena.runs.schemas import RunView

_MOST_RUNS = 500
_LOG_LINES = 50
_WIDTH, _HEIGHT = 240, 40
"""Of a chart, in CSS pixels."""
_MOST_POINTS = 240

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d8d8d8, #444); --soft: light-dark(#666, #aaa);
  --good: light-dark(#1a7f37, #3fb950); --bad: light-dark(#c62828, #ff7b72); --go: light-dark(#0b62c4, #6cb6ff); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .25rem .75rem .25rem 0; border-top: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; }
.facts th { width: 12rem; }
.status { font-size: .9rem; font-weight: 500; padding: .1rem .5rem; border: 1px solid currentColor;
  border-radius: 1rem; white-space: nowrap; color: var(--go); }
.Completed { color: var(--good); }
.Failed { color: var(--bad); }
.Canceled { color: var(--soft); }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { background: light-dark(#f5f5f5, #1e1e1e); padding: .75rem; overflow-x: auto; font-size: .85rem; }
svg { display: block; stroke: var(--go); fill: none; stroke-width: 1.5; }
footer { color: var(--soft); margin: 3rem 0; font-size: .85rem; }
"""


def of_run(session: Session, run_id: str) -> str:
    """The address of a page that shows the run."""
    if session.url:
        return f"{session.url}/ui/runs/{quote(run_id, safe='')}"
    if link := links.to_page(session, f"/ui/runs/{quote(run_id, safe='')}"):
        return link
    view = session.api.run(run_id)
    ask = session.api.questions.ask
    metrics = ask(
        "get_metrics", run_id, {"name": None, "recursive": False, "run_type": None, "populate": False}, 120
    )
    listed = session.api.files(run_id)
    files = {file.name: file.size for file in listed}
    live = {file.name for file in listed if file.live}
    parts = [
        f"<h1>{escape(view.name or view.id)} {_status(view.status)}</h1>",
        _table("", _facts(view)),
        _error(view),
        _table("Metrics", [(name, _metric(value)) for name, value in metrics.items()]),
        _table("Phases", [(phase.name, _seconds(phase.started_at, phase.ended_at)) for phase in view.phases]),
        _table("Tags", _texts(view.tags)),
        _table("Properties", _texts(view.properties)),
        _table(
            "Files",
            [
                (
                    name,
                    f"<span class=number>{counted(size, 'byte')}{' as of now' if name in live else ''}</span>",
                )
                for name, size in files.items()
            ],
        ),
        _log(session, view, files),
    ]
    return _write(session, view.id, view.id, parts)


def of_experiment(session: Session, name: str) -> str:
    """The address of a page that shows the experiment's newest runs."""
    if session.url:
        return f"{session.url}/ui/runs?{urlencode({'experiment': name})}"
    if link := links.to_page(session, f"/ui/runs?{urlencode({'experiment': name})}"):
        return link
    rows = list(islice(session.api.listed(experiment=name), _MOST_RUNS))
    table = "".join(_row(row) for row in rows)
    head = "<tr><th>Run<th>Status<th>Created<th>Took<th>Tags</tr>"
    if not rows:
        hidden = next(session.api.listed(experiment=name, archived=True, limit=1), None)
        table = "<p>No runs yet.</p>" if hidden is None else "<p>All its runs are archived.</p>"
    parts = [f"<h1>{escape(name)}</h1>", f"<table>{head}{table}</table>" if rows else table]
    return _write(session, f"experiment-{_file_name(name)}", name, parts)


def _file_name(experiment: str) -> str:
    """The name itself where it can be a file's on any machine; else what is left of it, and a digest."""
    safe = experiment_names.stem(experiment)
    return safe if safe == experiment else f"{safe}-{digests.of_bytes(experiment.encode())[:16]}"


def _write(session: Session, file_name: str, title: str, parts: Iterable[str]) -> str:
    folder = session.files.path / "pages"
    folder.mkdir(exist_ok=True)
    page = folder / f"{file_name}.html"
    body = "\n".join(filter(None, parts))
    write_atomically(
        page,
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>\n{body}\n"
        f"<footer>Workspace {escape(session.name)}. The page shows what was known when its address was asked for."
        "</footer></html>\n".encode("utf-8", "replace"),
    )
    return page.as_uri()


def _facts(view: RunView) -> list[tuple[str, str]]:
    facts = {
        "Run": view.id,
        "Experiment": f"{view.experiment}, number {view.number}",
        "Parameters": ", ".join(f"{name}: {value}" for name, value in view.parameters.items()),
        "Ran on": view.place,
        "Command": view.command,
        "Began": _when(view.started_at) if view.started_at else "",
        "Took": _seconds(view.started_at, view.ended_at) if view.started_at else "",
        "Waits for": view.blocker or "",
        "Parent": view.parent or "",
        "By": view.user,
        "Source": view.snapshot[:12],
        "Environment": (view.lock or "")[:12],
        **{note.code: note.message for note in view.notes},
    }
    return _texts({key: value for key, value in facts.items() if value.strip()})


def _texts(values: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(key, escape(value)) for key, value in values.items()]


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    """`rows`: a text and the HTML beside it."""
    if not rows:
        return ""
    body = "".join(f"<tr><th>{escape(key)}<td>{value}</tr>" for key, value in rows)
    return (f"<h2>{title}</h2>" if title else "") + f"<table class=facts>{body}</table>"


def _row(row: RunRow) -> str:
    tags = ", ".join(f"{key}: {value}" if value else key for key, value in row.tags.items())
    took = _seconds(row.started_at, row.ended_at) if row.started_at else ""
    return (
        f"<tr><td>{escape(row.name or row.id)}<td>{_status(row.status)}<td class=number>{_when(row.created_at)}"
        f"<td class=number>{took}<td>{escape(tags)}</tr>"
    )


def _status(status: str) -> str:
    return f'<span class="status {escape(status)}">{escape(status)}</span>'


def _when(at: int) -> str:
    return iso(at)[:19].replace("T", " ") + " UTC"


def _seconds(begun: int | None, ended: int | None) -> str:
    return "…" if ended is None or begun is None else f"{seconds_between(begun, ended):,.2f} s"


def _metric(value: Any) -> str:
    if isinstance(value, list) and all(_is_number(each) for each in value):
        shown = value[-1] if value else ""
        return f"{_chart(value)}<div>{len(value):,} values, the last one {escape(str(shown))}</div>"
    text = str(value)
    return escape(text if len(text) <= 300 else text[:300] + "…")


def _chart(values: list[Any]) -> str:
    """A line through the values that are finite, thinned to what its width can show."""
    points = [(at, float(each)) for at, each in enumerate(values) if abs(float(each)) < float("inf")]
    points = points[:: max(1, len(points) // _MOST_POINTS)]
    if len(points) < 2:
        return ""
    low, high = min(y for _, y in points), max(y for _, y in points)
    wide, tall = len(values) - 1, (high - low) or 1.0
    line = " ".join(
        f"{x / wide * _WIDTH:.1f},{_HEIGHT - 1 - (y - low) / tall * (_HEIGHT - 2):.1f}" for x, y in points
    )
    return f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img"><polyline points="{line}"/></svg>'


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _error(view: RunView) -> str:
    if view.error is None:
        return ""
    return f"<h2>Why it failed</h2><pre>{escape(view.error.message)}</pre>"


def _log(session: Session, view: RunView, files: Mapping[str, int]) -> str:
    logs = [name for name in files if name.startswith("azureml-logs/") and files[name]]
    if not logs:
        return ""
    with session.api.open_file(view.id, logs[-1]) as parts:
        tail = b""
        for part in parts:
            tail = (tail + part)[-64_000:]
    lines = tail.decode("utf-8", "replace").splitlines()[-_LOG_LINES:]
    return f"<h2>The end of {escape(logs[-1])}</h2><pre>{escape(chr(10).join(lines))}</pre>"
