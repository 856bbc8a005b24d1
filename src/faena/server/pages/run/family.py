"""Where a run comes from and what came of it: its children, as a tree that is read as it is opened, and its lineage."""

from __future__ import annotations

from urllib.parse import quote

from msgspec import Struct

from faena.db import Read
from faena.endpoints import store as endpoints
from faena.models import store as models
from faena.models.model import Search
from faena.runs import search
from faena.runs.inputs import dataset_id
from faena.runs.lineage import answered_data
from faena.runs.model import HYPERDRIVE
from faena.runs.other_runs import PRIVATE
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import RERUN_OF, DataInput
from faena.server.pages.addresses import dataset_address, datastore_address, model_address
from faena.server.pages.rendering import run_address

MOST_CHILDREN = 100
"""That are listed at once."""
_MOST_MODELS = 50


class Child(Struct, frozen=True):
    address: str
    title: str
    status: str
    below: int
    """Children of its own."""
    tree: str
    """Address of the page that lists them."""


class Children(Struct, frozen=True):
    listed: list[Child]
    more: int
    next: str
    """Address of those that come after; empty where there are none."""


class Made(Struct, frozen=True):
    """A model of the run, and the endpoints that serve it."""

    name: str
    address: str
    endpoints: list[tuple[str, str]]
    """Names and addresses."""


class Lineage(Struct, frozen=True):
    inputs: list[tuple[str, str, str]]
    """Names, what they are, addresses of their pages, if they have one."""
    origin: tuple[str, str] | None
    """Id and address of the run that this one repeats."""
    models: list[Made]

    @property
    def is_known(self) -> bool:
        return bool(self.inputs or self.origin or self.models)


def children(read: Read, run_id: str, start: int = 0) -> Children:
    found, more = search.children_of(read, run_id, start, MOST_CHILDREN)
    listed = [
        Child(run_address(each.id), each.name or each.id, each.shown_status, below, _tree(each.id))
        for each, below in found
    ]
    return Children(listed, more, f"{_tree(run_id)}?from={start + MOST_CHILDREN}" if more else "")


def of_page(read: Read, run: RunView) -> Children:
    """None of a sweep, whose page has a table of them."""
    return Children([], 0, "") if run.type == HYPERDRIVE else children(read, run.id)


def lineage(read: Read, run: RunView) -> Lineage:
    origin = run.properties.get(RERUN_OF, "")
    made = models.search(read, Search(run_id=run.id))[:_MOST_MODELS]
    users = endpoints.users_of_models(read, list({each.name for each in made})) if made else {}
    return Lineage(
        inputs=[
            *((each.name, _input(each), _address(each)) for each in run.inputs),
            *((dataset, f"asked for at {address}", "") for dataset, address in answered_data(run)),
        ],
        origin=(origin, run_address(origin)) if origin else None,
        models=[
            Made(
                f"{each.name}:{each.version}",
                model_address(each.name, each.version),
                [
                    (name, f"/ui/endpoints/{quote(name, safe='')}")
                    for name in sorted(users.get((each.name, each.version), {}))
                ],
            )
            for each in made
        ],
    )


def _tree(run_id: str) -> str:
    return f"{run_address(run_id)}/children"


def _address(given: DataInput) -> str:
    if given.run:
        return "" if given.run == PRIVATE else run_address(given.run)
    return datastore_address(given.datastore) if given.datastore else dataset_address(dataset_id(given))


def _input(given: DataInput) -> str:
    if given.datastore:
        source = f"{given.datastore}/{given.path}".rstrip("/")
    elif given.run:
        source = f"{given.path} of {given.run}"
    elif given.dataset:
        source = f"dataset {given.dataset}"
    else:
        source = ", ".join(each.url or f"{each.datastore}/{each.path}".rstrip("/") for each in given.sources)
    return f"{source} ({given.mode})"
