"""Evaluation sets and their records as they go over the wire, a page of them at a time."""

from __future__ import annotations

import sqlalchemy as sa

from faena.db import Read
from faena.kernel.errors import NotFound
from faena.traces.evaluation_sets import service, store
from faena.traces.evaluation_sets.model import EvaluationSet, Record
from faena.traces.evaluation_sets.schemas import EvaluationSets, EvaluationSetView, RecordPage, RecordView
from faena.workspaces import store as workspaces


def sets(read: Read, experiment: str | None, text: str | None, start: int, limit: int) -> EvaluationSets:
    """The latest first. `experiment`: those that are for it. `text`: in their names. Raises NotFound."""
    where: list[sa.ColumnElement[bool]] = []
    if experiment is not None:
        found = workspaces.get_experiment(read, experiment)
        if found is None:
            raise NotFound(
                f"There is no experiment {experiment[:80]!r}. `faena runs` shows those that there are."
            )
        of = sa.select(store.experiments.c.set_id).where(store.experiments.c.experiment_id == (found.id or 0))
        where.append(store.sets.c.id.in_(of))
    if text:
        where.append(sa.func.lower(store.sets.c.name).contains(text.lower(), autoescape=True))
    count = sa.select(sa.func.count()).select_from(store.sets).where(*where)
    order = [store.sets.c.created_at.desc(), store.sets.c.id]
    there = store.find(read, where, order, start, limit)
    names = _names(read, there)
    return EvaluationSets([_view(each, names) for each in there], int(read.execute(count).scalar() or 0))


def one(read: Read, set_id: str) -> EvaluationSetView:
    """Raises NotFound."""
    found = service.get(read, set_id)
    return _view(found, _names(read, [found]))


def records(read: Read, set_id: str, start: int, limit: int) -> RecordPage:
    """As they came. Raises NotFound."""
    total = service.get(read, set_id).size
    return RecordPage([_record(each) for each in store.records_in_order(read, set_id, start, limit)], total)


def _names(read: Read, found: list[EvaluationSet]) -> dict[int, str]:
    there = {
        number: workspaces.experiment_by_id(read, number) for each in found for number in each.experiment_ids
    }
    return {number: each.name for number, each in there.items() if each is not None}


def _view(given: EvaluationSet, names: dict[int, str]) -> EvaluationSetView:
    return EvaluationSetView(
        id=given.id,
        name=given.name,
        created_at=given.created_at,
        changed_at=given.changed_at,
        created_by=given.created_by or "",
        changed_by=given.changed_by or "",
        tags=given.tags,
        experiments=[names[number] for number in given.experiment_ids if number in names],
        fields=given.fields,
        size=given.size,
    )


def _record(given: Record) -> RecordView:
    return RecordView(
        id=given.id,
        inputs=given.inputs,
        created_at=given.created_at,
        changed_at=given.changed_at,
        outputs=given.outputs,
        expectations=given.expectations,
        tags=given.tags,
        source=given.source,
        created_by=given.created_by or "",
        changed_by=given.changed_by or "",
    )
