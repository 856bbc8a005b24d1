"""Use cases of deletions: make one, see what it frees, undo it.

A deletion marks rows; what is marked is as if it were not there. So it is quick whatever it takes away, and undone by
taking the marks away. `collecting` removes the rows and the bytes when the time to undo it is over.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from faena.db import Database, Read, Write
from faena.kernel import experiment_names
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, NotFound, UserErrorException
from faena.kernel.nearest import nearest
from faena.models import name_store, names
from faena.models import service as models
from faena.models.model import Search
from faena.runs import readers
from faena.runs import service as runs
from faena.runs.search import Wanted
from faena.search import empty_results
from faena.search import service as search
from faena.tidying.model import Counts, Deletion
from faena.tidying.schemas import DeletionRequest, DeletionView
from faena.tidying.store import deletions as store
from faena.tidying.store import sizes
from faena.workspaces import needs
from faena.workspaces import store as workspaces

PARTS = ("all", "outputs", "logs")
_PAGE = 1000
_NAMED = 3


class _Preview(Exception):
    def __init__(self, view: DeletionView) -> None:
        super().__init__(view)
        self.view = view


async def delete(database: Database, asked: DeletionRequest, now: Micros) -> DeletionView:
    """Take away what is asked for, or say what would go.

    Raises NotFound and UserErrorException for what is not there; Conflict naming what is kept, such as runs that have
    not ended.
    """
    if asked.part not in PARTS:
        raise UserErrorException(f"part is {asked.part[:80]!r}. Use one of {', '.join(PARTS)}.")
    if asked.part != "all" and asked.models:
        raise UserErrorException(
            f"Models have no {asked.part} of their own. Delete models and {asked.part} apart."
        )
    run_ids = await database.read(lambda read: _chosen(read, asked, now))

    def mark(write: Write) -> DeletionView:
        view = make(write, run_ids, asked, now)
        if asked.dry_run:
            raise _Preview(view)
        return view

    try:
        return await database.write(mark)
    except _Preview as preview:
        return preview.view


def make(write: Write, run_ids: Sequence[str], asked: DeletionRequest, now: Micros) -> DeletionView:
    """Mark these runs, or a part of them, and the models that are asked for. `id` is None where nothing was there."""
    number = store.add(write, now, asked.user)
    given_to: tuple[str, ...] = ()
    if asked.part == "outputs":
        given_to = readers.of_runs(write, run_ids)
    if asked.part == "all":
        family = store.with_descendants(write, run_ids)
        versions, whole = _models(write, asked.models)
        if kept := needs.kept(write, family, versions):
            raise Conflict(" ".join(each.why for each in kept))
        given_to = readers.of_runs(write, family)
        models_marked = store.mark_models(write, number, versions)
        store.mark_names(write, number, whole)
        counts = Counts(
            runs=store.mark_runs(write, number, family),
            models=models_marked,
            names=len(whole - {name for name, _ in versions}),
        )
        for name in {name for name, _ in versions} - whole:
            name_store.change(write, name, now)
    elif asked.part == "outputs":
        counts = Counts(files=store.mark_outputs(write, number, run_ids))
    else:
        counts = Counts(logs=store.mark_logs(write, number, run_ids))
    size = sizes.freed(write, number)
    what = f"{counts}{_named(run_ids, asked)}"
    store.describe(write, number, what, size)
    view = replace(show(Deletion(number, now, asked.user, what, size)), given_to=given_to)
    if counts != Counts() and not asked.dry_run:
        return view
    store.forget(write, number)
    return replace(view, id=None, nothing=counts == Counts())


def undo(write: Write, number: int) -> DeletionView:
    """Bring back what a deletion took away. Raises NotFound where it was collected or there is none such."""
    found = store.get(write, number)
    if found is None:
        raise NotFound(
            f"There is no deletion {number} that could be undone: it was collected or undone already. "
            "`faena deletions` lists those that can."
        )
    store.unmark(write, number)
    store.forget(write, number)
    return show(found)


def listed(read: Read) -> list[DeletionView]:
    return [show(each) for each in store.listed(read)]


def show(found: Deletion) -> DeletionView:
    return DeletionView(found.id, found.what, found.size, found.user, found.at, found.until)


def matching(
    read: Read, text: str | None, now: Micros, experiment: str | None = None, sort: str | None = None
) -> list[str]:
    """Ids of all runs that a filter means, in its order; archived ones, too."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = search.find(
            read, Wanted(experiment=experiment), now, text=text, sort=sort, after=after, limit=_PAGE
        )
        found += [run.id for run in page.runs]
        if page.next is None:
            return found
        after = page.next


def _chosen(read: Read, asked: DeletionRequest, now: Micros) -> list[str]:
    found = dict.fromkeys(runs.get(read, run_id).id for run_id in asked.runs)
    if asked.filter is not None:
        if not asked.filter.strip():
            raise UserErrorException(
                "The filter is empty: it would mean all runs. Say which, or name the experiment."
            )
        if strange := " ".join(empty_results.unknown(read, Wanted(), asked.filter)):
            raise NotFound(f"{strange} Nothing is deleted by a filter that names what no run has.")
        found |= dict.fromkeys(matching(read, asked.filter, now))
    known = {each.name for each in workspaces.list_experiments(read)}
    for experiment in map(experiment_names.normal, asked.experiments):
        if experiment not in known:
            near = nearest(experiment, sorted(known))
            hint = f" There is {' and '.join(map(repr, near))}." if near else ""
            raise NotFound(
                f"There is no experiment {experiment[:80]!r}.{hint} `faena runs` shows those that there are."
            )
        found |= dict.fromkeys(matching(read, None, now, experiment))
    if not (found or asked.models or asked.filter or asked.experiments):
        raise UserErrorException("Nothing was named. Give runs, a filter, experiments or models to delete.")
    return list(found)


def _models(read: Read, wanted: Sequence[str]) -> tuple[list[tuple[str, int]], set[str]]:
    """Versions, and names that go with all of theirs."""
    found: list[tuple[str, int]] = []
    whole: set[str] = set()
    for text in wanted:
        name, colon, version = text.rpartition(":")
        if colon and version.isdecimal():
            found.append((name, models.get(read, name, int(version)).version))
            continue
        whole.add(names.get(read, text).name)
        found += [
            (each.name, each.version) for each in models.list_models(read, Search(name=text), latest=False)
        ]
    return found, whole


def _named(run_ids: Sequence[str], asked: DeletionRequest) -> str:
    """What tells one deletion from another in a list."""
    if asked.experiments:
        return f" of {', '.join(asked.experiments)}"
    if asked.filter is not None:
        return f" where {asked.filter[:200]}"
    names = [*run_ids, *asked.models]
    return f": {', '.join(names[:_NAMED])}{' …' if len(names) > _NAMED else ''}" if names else ""
