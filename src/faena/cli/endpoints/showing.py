"""What is shown of endpoints, for people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import rich_click as click

from faena.cli.common import print_json
from faena.cli.env_tables import size
from faena.cli.layout import (
    Cell,
    Column,
    Row,
    fits,
    harmless,
    print_facts,
    print_prose,
    print_table,
    show_time,
    styled,
)
from faena.endpoints import figures
from faena.endpoints.schemas import ActivityView, EndpointView, KeptRequest, RevisionView
from faena.models.schemas import ModelView

if TYPE_CHECKING:
    from faena.client.endpoints.webservice import Webservice

_COLOURS = {"Healthy": "green", "Failed": "red", "Unhealthy": "red", "Transitioning": "cyan"}
_PAUSE = 0.5
MOST_LINES = 5000
_SHOWN = 60


def many(found: Sequence[EndpointView]) -> None:
    """With the address of each where the terminal is wide enough, else with its port; `show` has the address."""
    is_any_far = any(each.settings.cluster for each in found)
    rows: list[Row] = [
        [
            each.name,
            Cell(each.state, _COLOURS.get(each.state, "")),
            "" if each.activity is None else figures.rate(each.activity.requests_per_second),
            "" if each.activity is None else f"{each.activity.errors:,}",
            "" if each.activity is None else figures.latency(each.activity.p95),
            ", ".join(dict.fromkeys(map(figures.models, _answering(each)))),
            *([figures.place(each) or "here"] if is_any_far else []),
            each.scoring_uri or "",
        ]
        for each in found
    ]
    numbers = [Column(name, right=True) for name in ("Requests", "Errors", "p95")]
    columns: list[str | Column] = [
        "Endpoint",
        "State",
        *numbers,
        "Models",
        *["Place"] * is_any_far,
        "Address",
    ]
    if not fits(columns, rows):
        columns[-1] = Column("Port", right=True)
        rows = [
            [*row[:-1], "" if each.port is None else str(each.port)]
            for row, each in zip(rows, found, strict=True)
        ]
    print_table(columns, rows, empty="No endpoints yet. Deploy a model with `faena deploy MODEL`.")


def service(handle: Webservice, *, as_json: bool) -> None:
    """As it is now."""
    view = handle.workspace.api.endpoints.get(handle.name, activity=True)
    if as_json:
        print_json(view)
        return
    one(view)
    print_facts({model.id: _made_by(model.view) for model in handle.models})


def _made_by(model: ModelView) -> str:
    made_by = model.lineage
    if made_by is None:
        return f"from {model.path}"
    parts = {
        "run": made_by.run_id,
        "snapshot": made_by.snapshot[:12],
        "environment": (made_by.lock or "")[:12],
        "data": ", ".join(
            data.left_by or data.dataset or data.datastore or data.name for data in made_by.inputs
        ),
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)


def one(view: EndpointView) -> None:
    click.echo(f"{styled(view.name, bold=True)}  {styled(view.state, _COLOURS.get(view.state, ''))}")
    settings = view.settings
    print_facts(
        {
            "Address": view.scoring_uri or "",
            "Place": figures.place(view),
            "Description": settings.description,
            "Tags": " ".join(f"{key}={value}" for key, value in settings.tags.items()),
            "Keys": f"two: `faena endpoint keys {view.name}`"
            if settings.auth_enabled
            else "none: whoever reaches it may ask",
            "Since": show_time(view.created_at),
            **({} if view.activity is None else _did(view.activity)),
        }
    )
    rows: list[Row] = [
        [
            str(each.number),
            Cell(each.state, _COLOURS.get(each.state, "")),
            figures.share(each, view),
            figures.models(each),
            each.entry or each.kind,
            figures.workers(each),
            show_time(each.created_at),
        ]
        for each in view.revisions
    ]
    columns: list[str | Column] = [
        Column("Revision", right=True),
        "State",
        Column("Traffic", right=True),
    ]
    print_table([*columns, "Models", "Script", "Workers", "Deployed"], rows)
    workers: list[Row] = [
        [
            f"{each.number}/{worker.number}",
            worker.state,
            "" if worker.memory_bytes is None else size(worker.memory_bytes),
            figures.cpu(worker.cpu),
            str(worker.restarts),
            "" if worker.pid is None else str(worker.pid),
        ]
        for each in view.revisions
        for worker in each.processes
    ]
    if workers:
        print_table(
            [
                "Worker",
                "State",
                *(Column(name, right=True) for name in ("Memory", "CPU", "Restarts", "Process")),
            ],
            workers,
        )
    if view.error is not None:
        print_prose(view.error.message, "red")
        for line in view.error.traceback.splitlines():
            click.echo(f"  {harmless(click.unstyle(line))}")


def kept(found: Sequence[KeptRequest]) -> None:
    rows: list[Row] = [
        [
            show_time(int(each.time * 1e6)),
            str(each.status),
            f"{each.seconds * 1e3:.1f} ms",
            _beginning(each.body, each.body_bytes),
            _beginning(each.answer, each.answer_bytes),
        ]
        for each in found
    ]
    columns: list[str | Column] = ["Time", "Status", Column("Took", right=True), "Request", "Answer"]
    print_table(
        columns, rows, empty="None were kept. `faena endpoint update NAME --keep-requests 0.1` keeps some."
    )


def _beginning(text: str | None, whole: int | None) -> str:
    if text is None:
        return "(binary)"
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN or whole is not None else "")


def logs(service: Webservice, lines: int, *, follow: bool) -> None:
    known = service.get_logs(MOST_LINES if follow else lines)  # one question: nothing is written between two
    click.echo("".join(known.splitlines(keepends=True)[-lines:]), nl=False)
    while follow:
        time.sleep(_PAUSE)
        now = service.get_logs(MOST_LINES)
        click.echo(_new(known, now), nl=False)
        known = now


def _new(known: str, now: str) -> str:
    """What was added to a text of which the beginning may be gone."""
    if now.startswith(known):
        return now[len(known) :]
    tail = known[-2000:]
    place = now.rfind(tail)
    return now[place + len(tail) :] if place >= 0 else now


def _answering(view: EndpointView) -> Sequence[RevisionView]:
    """Those that get requests; that which was deployed last where there are none."""
    return [each for each in view.revisions if each.weight] or view.revisions[:1]


def _did(activity: ActivityView) -> dict[str, str]:
    """Of the last minute."""
    told = {
        "Requests": f"{figures.rate(activity.requests_per_second)} in the last {activity.seconds:.0f} s",
        "Errors": figures.errors(activity),
        "Latency": ", ".join(
            f"{name} {figures.latency(value)}"
            for name, value in (("p50", activity.p50), ("p95", activity.p95), ("p99", activity.p99))
        ),
        "Waiting": f"{activity.waiting:,}",
        "Connections": f"{activity.connections:,}",
        "Shadow": figures.shadow(activity.shadow),
    }
    return {name: text for name, text in told.items() if text}
