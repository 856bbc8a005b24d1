"""What is shown of a run, its metrics, models and clusters, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import rich_click as click

from faena.cli.layout import (
    Cell,
    Column,
    harmless,
    print_facts,
    print_prose,
    print_table,
    shortened,
    show_time,
    styled,
)
from faena.compute.schemas import ClusterView
from faena.kernel.clock import seconds_between
from faena.kernel.plural import counted
from faena.models.schemas import ModelView
from faena.runs.schemas import CheckpointView, RunView
from faena.runs.submission_schemas import EXTERNAL, DataInput

_COLOURS = {"Completed": "green", "Failed": "red", "Canceled": "yellow", "Running": "cyan"}
_SHOWN_VALUES = 5
_SHOWN_PAIRS = 50
_LONGEST, _LONGEST_OF_PAIR = 2_000, 200
"""Characters of a fact, and of a tag among others."""


def _inherited(view: RunView) -> str:
    names = ", ".join(view.inherited_variables)
    return f"{names} (variables of the process that submitted it)" if names else ""


def _environment(view: RunView, python: str) -> str:
    as_of = f"as of {view.told_as_of}" if view.as_of else ""
    return ", ".join(filter(None, [(view.lock or "")[:12], as_of, f"Python {python}" if python else ""]))


def run(view: RunView, further: Mapping[str, str] | None = None, *, python: str = "") -> None:
    """`further`: facts that are not in the view. `python`: its version, where it is known."""
    click.echo(f"{styled(view.id, bold=True)}  {styled(view.status, _COLOURS.get(view.status, ''))}")
    facts = {
        "Name": view.name or "",
        "Description": shortened(view.description or "", _LONGEST),
        "Archived": show_time(view.archived_at) if view.archived_at else "",
        "Experiment": f"{view.experiment}, number {view.number}",
        "Parent": view.parent or "",
        **(further or {}),
        "Cluster": _place(view),
        "Command": shortened(view.command, _LONGEST),
        "Parameters": _pairs(view.parameters),
        "Data": ", ".join(f"{data.token} is {_source(data)}" for data in view.inputs),
        "Started from": "" if view.checkpoint is None or not view.checkpoint.run else view.checkpoint.run,
        "Waits for": view.blocker or "",
        "Commit": _commit(view.git),
        "Tags": _pairs(view.tags),
        "Variables": _pairs(view.environment_variables),
        "Inherited": _inherited(view),
        "Environment": _environment(view, python),
    }
    print_facts(facts)
    phases = [
        [phase.name, show_time(phase.started_at), _seconds(phase.started_at, phase.ended_at)]
        for phase in view.phases
    ]
    print_table(["Phase", "Began", Column("Seconds", right=True)], phases)
    print_table(
        ["Attempt", "Ended", "Went on from", "Checkpoint"],
        [
            [
                str(each.number),
                each.ended or "goes on",
                each.went_on_from(view.checkpoint),
                "" if each.checkpoint is None else _checkpoint(each.checkpoint),
            ]
            for each in view.attempts
        ],
    )
    for note in view.notes:
        print_prose(shortened(f"{note.code}: {note.message}", _LONGEST), "yellow")
    if view.error is not None:
        print_prose(shortened(view.error.message, _LONGEST), "red")
        for line in view.error.last_lines:
            click.echo(f"  {shortened(harmless(click.unstyle(line)), _LONGEST)}")


def _checkpoint(taken: CheckpointView) -> str:
    from faena.cli.env_tables import size

    return f"{counted(taken.files, 'file')}, {size(taken.size)}, {show_time(taken.taken_at)}"


def _place(view: RunView) -> str:
    if view.type == EXTERNAL:
        return "none: it is logged from elsewhere"
    if not view.cluster:
        return "none: the process that started it writes and ends it"
    nodes = f"{view.cluster}, {view.node_count} node{'s' if view.node_count > 1 else ''}"
    if view.distributed is not None:
        nodes += f" ({view.distributed.told()})"
    return f"{nodes}, threads: {view.threads}" if view.threads else nodes


def metrics(found: dict[str, Any], *, over: bool) -> None:
    """`over`: whether the run has ended, so that there will be no more."""
    rows = []
    for name, value in found.items():
        values = value if isinstance(value, list) else [value]
        rows.append([name, str(len(values)), _short(values[-_SHOWN_VALUES:])])
    columns: list[str | Column] = ["Metric", Column("Values", right=True), Column("Last", prose=True)]
    print_table(columns, rows, empty="No metrics." if over else "No metrics yet.")


def models(found: Sequence[ModelView], empty: str) -> None:
    staged = any(model.stage for model in found)
    rows = [
        [
            model.name,
            str(model.version),
            ", ".join(model.aliases),
            *([model.stage] if staged else []),
            f"{model.size:,}",
            show_time(model.created_at),
            model.run_id or "",
        ]
        for model in found
    ]
    version, size = Column("Version", right=True), Column("Bytes", right=True)
    columns: list[str | Column] = [
        "Model",
        version,
        "Aliases",
        *(["Stage"] if staged else []),
        size,
        "Registered",
        "Run",
    ]
    print_table(columns, rows, empty=empty)


def model(view: ModelView, endpoints: str) -> None:
    """`endpoints`: those that have it, as text."""
    click.echo(styled(view.id, bold=True))
    made_with = f"{view.framework} {view.framework_version}".strip()
    facts = {
        "Aliases": ", ".join(view.aliases),
        "Stage": view.stage,
        "Source": "" if view.lineage else shortened(view.source, _LONGEST),
        "Description": shortened(view.description, _LONGEST),
        "Registered": f"{show_time(view.created_at)}, from {view.path}",
        "Framework": made_with,
        "Tags": _pairs(view.tags),
        "Properties": _pairs(view.properties),
        "Datasets": ", ".join(f"{use.name}: {use.id}" for use in view.datasets),
        "Endpoints": endpoints,
    }
    if made_by := view.lineage:
        facts |= {
            "Run": made_by.run_id,
            "Experiment": made_by.experiment,
            "Script": made_by.script,
            "Snapshot": made_by.snapshot[:12],
            "Environment": (made_by.lock or "")[:12],
            "Commit": (made_by.commit or "")[:12],
            "Data": ", ".join(
                f"{data.name}: {data.left_by or data.dataset or data.datastore}" for data in made_by.inputs
            ),
        }
    print_facts(facts)
    print_table(["File", Column("Bytes", right=True)], [[file.path, f"{file.size:,}"] for file in view.files])


def clusters(found: Sequence[ClusterView]) -> None:
    rows = []
    for cluster in found:
        counts, scale = cluster.status.node_state_counts, cluster.status.scale_settings
        numbers = (
            cluster.status.current_node_count,
            counts.running_node_count,
            counts.idle_node_count,
            f"{scale.min_node_count}-{scale.max_node_count}",
            f"{cluster.cores_per_node}{' or more' if cluster.shares_cores else ''}",
            "" if cluster.gpus_per_node is None else str(cluster.gpus_per_node),
        )
        rows.append([cluster.name, str(cluster.kind), *map(str, numbers)])
    titles = ("Nodes", "Running", "Idle", "Min-max", "Cores each", "GPUs each")
    columns: list[str | Column] = ["Cluster", "Kind", *(Column(title, right=True) for title in titles)]
    print_table(columns, rows, empty="No clusters yet. Make one with `faena cluster create`.")


def status_cell(status: str) -> Cell:
    return Cell(status, _COLOURS.get(status, ""))


def _pairs(values: dict[str, str]) -> str:
    first = islice(values.items(), _SHOWN_PAIRS)
    shown = ", ".join(f"{key}={shortened(value, _LONGEST_OF_PAIR)}" for key, value in first)
    more = len(values) - _SHOWN_PAIRS
    return f"{shown} and {more:,} more, which --json shows" if more > 0 else shown


def _source(data: DataInput) -> str:
    if data.datastore:
        return f"{data.datastore}/{data.path}".rstrip("/")
    return (
        data.left_by
        or data.dataset
        or ", ".join(source.url or f"{source.datastore}/{source.path}" for source in data.sources)
    )


def _seconds(start: int | None, end: int | None) -> str:
    return f"{seconds_between(start, end):,.2f}" if start is not None and end is not None else ""


def _short(values: list[Any]) -> str:
    return ", ".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values)[:200]


def _commit(git: dict[str, Any] | None) -> str:
    if not git or not git.get("commit"):
        return ""
    return f"{git['commit'][:12]} on {git.get('branch')}{' with changes' if git.get('dirty') else ''}"
