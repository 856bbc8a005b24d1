"""Evaluation sets that come from MLflow, with their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from faena.db import Database, Read, Write
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from faena.mlflow.errors import MlflowError
from faena.mlflow.moving.schemas import (
    CHANGED,
    GROWN,
    HERE,
    NEW,
    REFUSED,
    TAKEN,
    EvaluationSetGiven,
    RecordGiven,
    Taken,
)
from faena.mlflow.words import micros
from faena.traces.evaluation_sets import model, store
from faena.traces.evaluation_sets.model import EvaluationSet, Record, Told
from faena.workspaces import store as workspaces

_LONGEST_ID = 64
_LONGEST_NAME = 255
_LONGEST_VALUE = 5000


class _Found(msgspec.Struct):
    taken: Taken
    wanted: EvaluationSet
    is_newer: bool
    """Whether it was changed there since it came."""
    records: dict[str, Record]
    """Those to be put, by the keys of their inputs."""


def take(database: Database, given: Sequence[EvaluationSetGiven], *, look: bool) -> list[Taken]:
    """What became of each, in their order. One that is wrong stops none of the others. Blocks."""
    answers: list[Taken] = []
    for each in given:
        try:
            if look:
                answers.append(database.submit_read(partial(_would, given=each)).result())
            else:
                answers.append(database.submit_write(partial(_take, given=each)).result())
        except (UserErrorException, MlflowError) as error:
            answers.append(Taken(each.id, REFUSED, [error.message]))
    return answers


def _would(read: Read, given: EvaluationSetGiven) -> Taken:
    """Experiments that are not here yet would come before it."""
    there = [name for name in given.experiments if workspaces.get_experiment(read, name) is not None]
    return _look(read, msgspec.structs.replace(given, experiments=there)).taken


def _take(write: Write, given: EvaluationSetGiven) -> Taken:
    found = _look(write, given)
    if found.taken.outcome not in (NEW, GROWN):
        return found.taken
    if found.is_newer:
        _put(write, found.wanted)
    store.put_records(write, found.records)
    return found.taken


def _put(write: Write, wanted: EvaluationSet) -> None:
    """With these tags and experiments and no others."""
    for mine in store.find(write, [store.sets.c.id == wanted.id], [], 0, 1):
        for key in mine.tags.keys() - wanted.tags.keys():
            store.remove_tag(write, wanted.id, key)
        store.remove_experiments(write, wanted.id, mine.experiment_ids)
    store.put(write, wanted)
    store.set_tags(write, wanted.id, wanted.tags)
    store.add_experiments(write, wanted.id, wanted.experiment_ids)


def _look(read: Read, given: EvaluationSetGiven) -> _Found:
    notes: list[str] = []
    wanted, records = _wanted(read, given), _records(given)
    there = store.find(read, [store.sets.c.id == given.id], [], 0, 1)
    if len(records) < len(given.records):
        notes.append(f"{len(given.records) - len(records)} of its records have the inputs of another one")
    if not there:
        taken = Taken(given.id, NEW, notes, records=len(records))
        return _Found(taken, wanted, is_newer=True, records=records)
    mine = there[0]
    if (mine.name, mine.created_at) != (wanted.name, wanted.created_at):
        taken = Taken(given.id, TAKEN, [f"the evaluation set {mine.name[:80]!r} has its id"])
        return _Found(taken, wanted, is_newer=False, records={})
    known = store.records_of_keys(read, given.id, list(records))
    differ = {key: record for key, record in records.items() if not _is_same(known.get(key), record)}
    put = {key: record for key, record in differ.items() if _is_older(known.get(key), record)}
    is_newer = mine.changed_at < wanted.changed_at
    if left := len(differ) - len(put):
        notes.append(f"{left} of its records were changed here since")
    if not is_newer and (mine.tags, mine.experiment_ids) != (wanted.tags, wanted.experiment_ids):
        notes.append("its tags or experiments are others here")
        left += 1
    outcome = CHANGED if left else GROWN if put or is_newer else HERE
    merged = msgspec.structs.replace(wanted, fields=_fields(mine.fields, wanted.fields))
    return _Found(Taken(given.id, outcome, notes, records=len(records)), merged, is_newer, put)


def _is_same(mine: Record | None, other: Record) -> bool:
    return mine is not None and all(
        getattr(mine, name) == getattr(other, name)
        for name in ("inputs", "outputs", "expectations", "tags", "source")
    )


def _is_older(mine: Record | None, other: Record) -> bool:
    return mine is None or mine.changed_at < other.changed_at


def _fields(mine: Mapping[str, object], others: Mapping[str, object]) -> dict[str, object]:
    """Those that were there once stay."""
    found = {**mine}
    for part, told in others.items():
        before = found.get(part)
        found[part] = {**told, **before} if isinstance(told, dict) and isinstance(before, dict) else told
    return found


def _wanted(read: Read, given: EvaluationSetGiven) -> EvaluationSet:
    """Raises UserErrorException and MlflowError for a set that cannot be kept at all."""
    if len(ids.check_run_id(given.id)) > _LONGEST_ID:
        raise UserErrorException(f"{given.id[:80]!a} is longer than the id of an evaluation set can be.")
    numbers: list[int] = []
    for name in given.experiments:
        experiment = workspaces.get_experiment(read, name)
        if experiment is None or experiment.id is None:
            raise UserErrorException(f"Its experiment {name[:80]!r} is not here.")
        numbers.append(experiment.id)
    told = [Told(each.inputs, each.outputs, each.expectations) for each in given.records]
    known = {part: given.fields[part] for part in model.PARTS if part in given.fields}
    return EvaluationSet(
        id=given.id,
        name=given.name[:_LONGEST_NAME],
        created_at=micros(given.created_ms, "creation"),
        changed_at=micros(given.changed_ms, "last change"),
        created_by=_user(given.created_by),
        changed_by=_user(given.changed_by),
        fields=model.with_fields(known, told) if known or told else {},
        tags={key[:_LONGEST_NAME]: value[:_LONGEST_VALUE] for key, value in given.tags.items() if key},
        experiment_ids=sorted(set(numbers)),
    )


def _records(given: EvaluationSetGiven) -> dict[str, Record]:
    return {model.key(each.inputs): _record(given.id, each) for each in given.records}


def _record(set_id: str, given: RecordGiven) -> Record:
    if not 0 < len(given.id) <= _LONGEST_ID:
        raise UserErrorException(f"{given.id[:80]!a} can be no id of a record.")
    return Record(
        given.id,
        set_id,
        given.inputs,
        micros(given.created_ms, "creation"),
        micros(given.changed_ms, "last change"),
        given.outputs,
        given.expectations,
        given.tags,
        given.source,
        _user(given.created_by),
        _user(given.changed_by),
    )


def _user(given: str | None) -> str | None:
    return None if given is None else given[:_LONGEST_NAME]
