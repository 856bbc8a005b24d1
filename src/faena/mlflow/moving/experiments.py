"""Experiments that come from MLflow: by their names, and with their numbers where these are free."""

from __future__ import annotations

from faena.db import Read, Write
from faena.kernel import experiment_names
from faena.kernel.clock import Micros
from faena.kernel.tag_rules import LONGEST_KEY, LONGEST_VALUE, fitting
from faena.mlflow.artifacts import locations
from faena.mlflow.moving.schemas import HERE, NEW, ExperimentGiven, ExperimentTaken
from faena.workspaces import store

_MOST_DIGITS = 18


def take(write: Write, given: ExperimentGiven, now: Micros) -> ExperimentTaken:
    """One of the same name is the same one: its tags and the like stay as they are here. Repeating has no effect."""
    name, notes = _name(given)
    there = store.get_experiment(write, name)
    if there is None:
        number = _number(write, given, name)
        store.create_experiment(write, name, given.created_at or now, number)
        outcome = NEW
    else:
        outcome = HERE
    if there is None or not there.runs:
        tags = dict(fitting(key, value) for key, value in given.tags.items() if key != locations.TAG)
        if tags:
            store.set_tags(write, name, {**tags, **(there.tags if there else {})})
        if given.changed_at:
            store.mark_changed(write, name, given.changed_at)
        if given.archived:
            store.archive_experiment(write, name, given.changed_at or now)
        cut = [
            key for key, value in given.tags.items() if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE
        ]
        notes += [f"its tag {key[:80]!r} was cut" for key in cut]
    found = store.get_experiment(write, name)
    assert found is not None and found.id is not None
    if str(found.id) != given.id:
        notes.append(f"its id here is {found.id}, not {given.id[:40]}")
    return ExperimentTaken(given.id, name, found.id, outcome, notes)


def look(read: Read, given: ExperimentGiven) -> ExperimentTaken:
    """What `take` would come to. The number of one that is not here is not told."""
    name, notes = _name(given)
    there = store.get_experiment(read, name)
    if there is None:
        return ExperimentTaken(given.id, name, -1, NEW, notes)
    if str(there.id) != given.id:
        notes.append(f"its id here is {there.id}, not {given.id[:40]}")
    return ExperimentTaken(given.id, name, there.id or 0, HERE, notes)


def _name(given: ExperimentGiven) -> tuple[str, list[str]]:
    """One that can be kept, and what is said where it is another one."""
    wanted = experiment_names.normal(given.name)
    why = experiment_names.refusal(wanted)
    if why is None:
        return wanted, []
    cleaned = "".join(letter if experiment_names.refusal(f"a{letter}a") is None else "_" for letter in wanted)
    name = cleaned[: experiment_names.LONGEST].strip()
    if experiment_names.refusal(name) is not None:
        name = f"mlflow {given.id[:100]}"
    return name, [f"its name {given.name[:80]!r} {why}: it is called {name[:80]!r}"]


def _number(write: Write, given: ExperimentGiven, name: str) -> int | None:
    """Its own where that is free; 0 is that of `Default` alone. None: the next one."""
    if not given.id.isascii() or not given.id.isdigit() or len(given.id) > _MOST_DIGITS:
        return None
    number = int(given.id)
    is_small = number < store.SMALL or write.connection.dialect.name == "sqlite"
    is_free = store.experiment_by_id(write, number) is None
    return number if is_small and is_free and (number == 0) is (name == store.DEFAULT) else None
