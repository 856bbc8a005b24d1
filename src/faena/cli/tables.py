"""Tables for people, at the width of their terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from faena.cli.layout import new_table as _table
from faena.cli.layout import print_table as _print
from faena.cli.layout import show_time as _time
from faena.compute.schemas import ClusterView
from faena.kernel.clock import seconds_between
from faena.models.schemas import ModelView
from faena.runs.schemas import RunRow, RunView

_COLOURS = {"Completed": "green", "Failed": "red", "Canceled": "yellow", "Running": "cyan"}
_SHOWN_VALUES = 5


def runs(found: Sequence[RunRow], sort: str | None = None) -> None:
    """With what they are sorted by, where no other column shows it."""
    kind, _, name = (sort or "").lstrip("+-").partition(".")
    extra = [name.strip('"')] if kind in ("metrics", "parameters", "params", "tags") else []
    named = ["Name"] if any(row.name for row in found) else []
    table = _table("Run", *named, "Status", "Started", "Seconds", *extra)
    for row in found:
        values = {"metrics": row.metrics, "tags": row.tags}.get(kind, row.parameters) or {}
        table.add_row(
            Text(row.id),
            *(Text(row.name or "") for _ in named),
            _status(row.status),
            _time(row.created_at),
            _seconds(row.started_at, row.ended_at),
            *(Text(str(values.get(column, ""))) for column in extra),
        )
    _print(table, empty="No runs yet. Submit one with `faena submit`.", rows=len(found))


def run(view: RunView) -> None:
    console = Console()
    console.print(Text.assemble((view.id, "bold"), "  ", _status(view.status)))
    facts = {
        "Name": view.name or "",
        "Description": view.description or "",
        "Archived": _time(view.archived_at) if view.archived_at else "",
        "Experiment": f"{view.experiment}, number {view.number}",
        "Parent": view.parent or "",
        "Cluster": _place(view),
        "Command": view.command,
        "Waits for": view.blocker or "",
        "Commit": _commit(view.git),
        "Tags": _pairs(view.tags),
        "Variables": _pairs(view.environment_variables),
        "Passed on": " ".join(view.inherited_variables),
        "Environment": (view.lock or "")[:12],
    }
    console.print(_facts(facts))
    phases = _table("Phase", "Began", "Seconds")
    for phase in view.phases:
        phases.add_row(phase.name, _time(phase.started_at), _seconds(phase.started_at, phase.ended_at))
    console.print(phases)
    for note in view.notes:
        console.print(Text(f"{note.code}: {note.message}", "yellow"))
    if view.error is not None:
        console.print(Text(view.error.message, "red"))
        for line in view.error.last_lines:
            console.print(Text("  " + line))


def _place(view: RunView) -> str:
    if not view.cluster:
        return "none: the process that started it writes and ends it"
    return f"{view.cluster}, {view.node_count} node{'s' if view.node_count > 1 else ''}"


def metrics(found: dict[str, Any]) -> None:
    table = _table("Metric", "Values", "Last")
    for name, value in found.items():
        values = value if isinstance(value, list) else [value]
        table.add_row(Text(name), str(len(values)), Text(_short(values[-_SHOWN_VALUES:])))
    _print(table, empty="No metrics yet.", rows=len(found))


def models(found: Sequence[ModelView]) -> None:
    table = _table("Model", "Version", "Bytes", "Registered", "Run")
    for model in found:
        size = f"{model.size:,}"
        table.add_row(
            Text(model.name), str(model.version), size, _time(model.created_at), Text(model.run_id or "")
        )
    _print(table, empty="No models yet. Register one with `faena register`.", rows=len(found))


def model(view: ModelView) -> None:
    console = Console()
    console.print(Text(view.id, "bold"))
    made_with = f"{view.framework} {view.framework_version}".strip()
    facts = {
        "Description": view.description,
        "Registered": f"{_time(view.created_at)}, from {view.path}",
        "Framework": made_with,
        "Tags": _pairs(view.tags),
        "Properties": _pairs(view.properties),
        "Datasets": ", ".join(f"{use.name}: {use.id}" for use in view.datasets),
    }
    if made_by := view.lineage:
        facts |= {
            "Run": made_by.run_id,
            "Experiment": made_by.experiment,
            "Script": made_by.script,
            "Snapshot": made_by.snapshot[:12],
            "Environment": (made_by.lock or "")[:12],
            "Commit": (made_by.commit or "")[:12],
            "Data": ", ".join(f"{data.name}: {data.dataset or data.datastore}" for data in made_by.inputs),
        }
    console.print(_facts(facts))
    files = _table("File", "Bytes")
    for file in view.files:
        files.add_row(Text(file.path), f"{file.size:,}")
    console.print(files)


def clusters(found: Sequence[ClusterView]) -> None:
    table = _table("Cluster", "Nodes", "Running", "Idle", "Min-max", "Cores each")
    for cluster in found:
        counts, scale = cluster.status.node_state_counts, cluster.status.scale_settings
        table.add_row(
            Text(cluster.name),
            str(cluster.status.current_node_count),
            str(counts.running_node_count),
            str(counts.idle_node_count),
            f"{scale.min_node_count}-{scale.max_node_count}",
            str(cluster.cores_per_node),
        )
    _print(table, empty="No clusters yet.", rows=len(found))


def _facts(facts: dict[str, str]) -> Table:
    """Those that are not empty."""
    table = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if value:
            table.add_row(Text(name, "dim"), Text(value))
    return table


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


def _status(status: str) -> Text:
    return Text(status, _COLOURS.get(status, ""))


def _seconds(start: int | None, end: int | None) -> str:
    return f"{seconds_between(start, end):,.2f}" if start is not None and end is not None else ""


def _short(values: list[Any]) -> str:
    return ", ".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values)[:200]


def _commit(git: dict[str, Any] | None) -> str:
    if not git or not git.get("commit"):
        return ""
    return f"{git['commit'][:12]} on {git.get('branch')}{' with changes' if git.get('dirty') else ''}"
