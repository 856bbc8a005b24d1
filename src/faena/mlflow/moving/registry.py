"""Registered models that come from MLflow. Runs and logged models are here by then.

Each version keeps its number, which belongs to nobody else here then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from faena.db import Database, Write
from faena.kernel import model_names
from faena.kernel.clock import Micros
from faena.kernel.errors import FaenaError, StorageFull, UserErrorException, WorkspaceException, WriterStopped
from faena.mlflow.errors import MlflowError
from faena.mlflow.moving import versions
from faena.mlflow.moving.schemas import CHANGED, GROWN, HERE, NEW, REFUSED, ModelGiven, Taken
from faena.mlflow.words import micros
from faena.models import alias_store, name_store, names, store
from faena.models.model import check_alias

_LONGEST_KEY = 255
_FATAL = (StorageFull, WriterStopped, WorkspaceException)


def take(database: Database, given: Sequence[ModelGiven], now: Micros, *, look: bool) -> list[Taken]:
    """What became of each model, and of each version as `NAME:VERSION`. Blocks."""
    answers: list[Taken] = []
    for model in given:
        name = _name(model.name)
        said = (
            [f"its name {model.name[:80]!a} cannot be one here: it is called {name!r}"]
            if name != model.name
            else []
        )
        first = _done(database, partial(_take_name, given=model, name=name, said=said, look=look), name, look)
        answers.append(first)
        if first.outcome == REFUSED:
            continue
        of_versions = []
        for version in model.versions:
            work = partial(versions.take, name=name, given=version, now=now, look=look)
            of_versions.append(_done(database, work, f"{name}:{version.version}", look))
        answers += of_versions
        if not look and any(each.outcome in (NEW, GROWN) for each in (first, *of_versions)):
            finished = _done(database, partial(_finish, given=model, name=name, now=now), name, look)
            if finished.notes:
                answers[answers.index(first)] = Taken(name, first.outcome, [*first.notes, *finished.notes])
    return answers


def _done(database: Database, work: Callable[[Write], Taken], about: str, look: bool) -> Taken:
    try:
        return database.submit_write(work).result() if not look else _looked(database, work)
    except _FATAL:
        raise
    except (FaenaError, MlflowError) as error:
        return Taken(about, REFUSED, [error.message])


def _looked(database: Database, work: Callable[[Write], Taken]) -> Taken:
    return database.submit_read(work).result()  # type: ignore[arg-type]  # it only reads where it looks


def _name(given: str) -> str:
    """One that can be kept."""
    if model_names.refusal(given) is None:
        return given
    cleaned = "".join(letter if model_names.refusal(f"a{letter}a") is None else "_" for letter in given)
    name = cleaned[: model_names.LONGEST].strip().lstrip(".")
    while len(name.encode()) > model_names.LONGEST:
        name = name[:-1]
    return name if model_names.refusal(name) is None else "mlflow-model"


def _take_name(write: Write, given: ModelGiven, name: str, said: list[str], look: bool) -> Taken:
    there = names.find(write, name)
    tags = {key: value for key, value in given.tags.items() if 1 <= len(key) <= _LONGEST_KEY}
    if there is not None:
        if (there.description, there.tags) == (given.description, tags):
            return Taken(name, HERE, said)
        if micros(given.changed_ms, "change") > there.changed_at:  # it was changed there since it was brought
            if not look:
                name_store.remove_tags(write, name, there.tags)
                name_store.set_tags(write, name, tags)
                name_store.change(write, name, there.changed_at, given.description)
            return Taken(name, GROWN, said)
        return Taken(name, CHANGED, [*said, "its description and tags stay as they are here"])
    if not look:
        created = micros(given.created_ms, "creation")
        name_store.begin(write, name, created)
        name_store.change(write, name, created, given.description, stays=True)
        name_store.set_tags(write, name, tags)
    lost = [f"its tag {key[:80]!r} has a key that is too long" for key in given.tags.keys() - tags.keys()]
    return Taken(name, NEW, said + lost)


def _finish(write: Write, given: ModelGiven, name: str, now: Micros) -> Taken:
    """Aliases that are none here yet, and when it was changed last."""
    notes: list[str] = []
    there = alias_store.of_models(write, [name]).get(name, {})
    for alias, version in given.aliases.items():
        if alias in there:
            if there[alias] != version:
                notes.append(f"its alias {alias!r} stays that of version {there[alias]}")
            continue
        try:
            check_alias(alias)
            if store.get(write, name, version) is None:
                raise UserErrorException(f"there is no version {version} of it")
        except UserErrorException as error:
            notes.append(f"its alias {alias[:80]!r}: {error.message}")
            continue
        alias_store.put(write, name, alias, version, now)
    name_store.change(write, name, micros(given.changed_ms, "change"))
    return Taken(name, NEW, notes)
