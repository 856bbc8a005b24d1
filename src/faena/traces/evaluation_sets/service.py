"""Use cases of evaluation sets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec

from faena.db import Read, Write
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound
from faena.traces.evaluation_sets import model, store
from faena.traces.evaluation_sets.model import EvaluationSet, Record, Told


def create(
    write: Write,
    name: str,
    tags: Mapping[str, str],
    experiment_ids: Sequence[int],
    now: Micros,
    by: str | None,
) -> EvaluationSet:
    """Names may be the same."""
    made = EvaluationSet(f"d-{os.urandom(16).hex()}", name, now, now, by, by)
    store.put(write, made)
    store.set_tags(write, made.id, tags)
    store.add_experiments(write, made.id, experiment_ids)
    return get(write, made.id)


def get(read: Read, set_id: str) -> EvaluationSet:
    """Raises NotFound."""
    found = store.find(read, [store.sets.c.id == set_id], [], 0, 1)
    if not found:
        raise NotFound(f"Evaluation dataset with id '{set_id[:100]}' not found")
    return found[0]


def touch(write: Write, set_id: str, now: Micros) -> EvaluationSet:
    """Say that it changed. Raises NotFound."""
    store.put(write, msgspec.structs.replace(get(write, set_id), changed_at=now))
    return get(write, set_id)


def add_records(
    write: Write, set_id: str, told: Sequence[Told], now: Micros, by: str | None
) -> tuple[int, int]:
    """Add records, or change those with the same inputs: how many of each. Raises NotFound."""
    mine = get(write, set_id)
    keys = [model.key(each.inputs) for each in told]
    known = store.records_of_keys(write, set_id, list(dict.fromkeys(keys)))
    added = 0
    for key, each in zip(keys, told, strict=True):
        if (there := known.get(key)) is None:
            added += 1
            there = Record(
                f"edr-{os.urandom(16).hex()}",
                set_id,
                each.inputs,
                now,
                now,
                source=each.source,
                created_by=by,
            )
        known[key] = model.merged(there, each, now, by)
    store.put_records(write, known)
    fields = model.with_fields(mine.fields, told)
    store.put(write, msgspec.structs.replace(mine, fields=fields, changed_at=now, changed_by=by))
    return added, len(told) - added
