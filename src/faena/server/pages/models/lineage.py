"""What a version of a model was made of and where it answers: from data over the run and the version to endpoints."""

from __future__ import annotations

from msgspec import Struct

from faena.data.datasets import store as datasets
from faena.db import Read
from faena.endpoints import store as endpoints
from faena.kernel.plural import counted
from faena.models.listing import Line
from faena.runs import inputs, service
from faena.runs import store as runs
from faena.runs.other_runs import PRIVATE
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import DataInput
from faena.server.pages import words
from faena.server.pages.addresses import (
    dataset_address,
    datastore_address,
    environment_address,
)
from faena.server.pages.endpoints.page import page_address
from faena.server.pages.rendering import run_address

_MOST = 12
"""Boxes of a stage; how many more there are is told."""

_MOST_ALIASES = 3
_LONGEST_ID = 15


class Box(Struct, frozen=True):
    title: str
    address: str = ""
    note: str = ""
    status: str = ""
    """Class of the state that `note` names; empty where it names none."""
    is_here: bool = False
    """Whether it is what the page is about."""


class Stage(Struct, frozen=True):
    title: str
    boxes: list[Box]
    more: int = 0


def build(read: Read, line: Line, used: tuple[tuple[str, str], ...]) -> list[Stage]:
    """`used`: what the version was registered with, and the dataset's id."""
    row = (
        runs.get(read, line.run_id) if line.run_id else None
    )  # one that was deleted is still what it comes from
    run = service.view(read, row) if row else None
    data, more = _data(read, run, used)
    stages = [
        Stage("Data and code", [*data, *(_code(run) if run else [])], more),
        _stage(
            "Run",
            _runs(read, run)
            if run
            else [Box("elsewhere" if line.source else "a local file", note=line.path)],
        ),
        Stage(
            "Model",
            [Box(f"{line.name}:{line.version}", note=_amount(line), is_here=True)],
        ),
        _stage("Endpoints", _endpoints(read, line) or [Box("none yet")]),
    ]
    return [stage for stage in stages if stage.boxes]


def _stage(title: str, boxes: list[Box]) -> Stage:
    return Stage(title, boxes[:_MOST], max(0, len(boxes) - _MOST))


def _amount(line: Line) -> str:
    named = [f"@{alias}" for alias, version in line.aliases.items() if version == line.version]
    return ", ".join([*named[:_MOST_ALIASES], counted(line.files, "file"), words.size(line.size)])


def _data(read: Read, run: RunView | None, used: tuple[tuple[str, str], ...]) -> tuple[list[Box], int]:
    """What the run was given and what the version was registered with, each once; how many more there are."""
    given = list(run.inputs) if run else []
    boxes = [_input(read, each) for each in given[:_MOST]]
    known = {box.address for box in boxes}
    others = [
        box for box in (_dataset(read, each, what) for what, each in used[:_MOST]) if box.address not in known
    ]
    left = max(0, len(given) - _MOST) + max(0, len(used) - _MOST)
    return boxes + others, left


def _input(read: Read, given: DataInput) -> Box:
    if given.datastore:
        place = f"{given.datastore}/{given.path}".rstrip("/")
        return Box(place, datastore_address(given.datastore), given.name)
    if given.run:
        return Box(given.run, run_address(given.run), f"{given.name}: its {given.path}")
    return _dataset(read, inputs.dataset_id(given), given.name)


def _dataset(read: Read, dataset_id: str, what: str) -> Box:
    found = datasets.get(read, dataset_id)
    short = dataset_id if len(dataset_id) <= _LONGEST_ID else f"{dataset_id[:_LONGEST_ID]}…"
    if found is None:
        return Box(short, note=f"{what}; not there any more")
    return Box(f"{found.name}:{found.version}" if found.name else short, dataset_address(dataset_id), what)


def _code(run: RunView) -> list[Box]:
    commit = (run.git or {}).get("commit")
    told = f"commit {str(commit)[:12]}" if commit else f"source {run.snapshot[:12]}" if run.snapshot else ""
    boxes = [Box(run.script, note=told)] if run.script else []
    if run.lock:
        title = run.environment or "environment"
        boxes.append(Box(title, environment_address(run.lock), f"lock {run.lock[:12]}"))
    return boxes


def _runs(read: Read, run: RunView) -> list[Box]:
    """The run, the sweep or parent that it belongs to, and the run whose checkpoint it went on from."""
    parent = runs.get(read, run.parent) if run.parent else None
    boxes = []
    if run.checkpoint is not None and run.checkpoint.run:
        named = run.checkpoint.run
        where = "" if named == PRIVATE else run_address(named)
        boxes.append(Box(named, where, "its checkpoint was gone on from"))
    if parent is not None:
        boxes.append(Box(parent.name or parent.id, run_address(parent.id), "its parent"))
    return [*boxes, Box(run.name or run.id, run_address(run.id), run.status, f"status {run.status}")]


def _endpoints(read: Read, line: Line) -> list[Box]:
    users = endpoints.users_of_models(read, [line.name]).get((line.name, line.version), {})
    boxes = []
    for name, numbers in users.items():
        endpoint = endpoints.get(read, name)
        traffic = dict(endpoint.traffic) if endpoint else {}
        for number in sorted(numbers, reverse=True):
            weight, total = traffic.get(number, 0), sum(traffic.values())
            share = f"answers {100 * weight / total:.0f} %" if weight else "kept"
            boxes.append(Box(f"{name}, revision {number}", page_address(name), share))
    return boxes
