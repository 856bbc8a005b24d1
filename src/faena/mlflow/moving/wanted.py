"""What a run that comes from MLflow is to be here: checked, in our words, with what cannot be kept named."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faena.kernel import file_names, ids
from faena.kernel.clock import Micros
from faena.kernel.errors import UserErrorException
from faena.kernel.tag_rules import MOST_MARKS, check_mark
from faena.mlflow.errors import MlflowError
from faena.mlflow.moving import histories
from faena.mlflow.moving.schemas import FileGiven, RunGiven
from faena.mlflow.words import NOTE, PARENT, RUN_NAME, USER, micros, state
from faena.models.logged.uses import MADE, READ, Use
from faena.objects.contract import ObjectFiles
from faena.people import callers
from faena.runs import service
from faena.runs.model import RunStatus
from faena.runs.used_datasets import UsedDataset
from faena.tracking.model import StoredFile
from faena.tracking.points import Points

_LONGEST_NAME = 255
_LONGEST_DATASET = {"name": 500, "digest": 64}
_LONGEST_LOGGED_ID = 64
_OWN_LOGS = "azureml-logs/"


class Wanted(Struct, frozen=True):
    id: str
    experiment: str
    status: RunStatus
    started_at: Micros
    ended_at: Micros | None
    archived_at: Micros | None
    name: str | None
    user: str
    description: str | None
    parent: str | None
    """As its tag says; whether it is here is not asked."""
    params: dict[str, str]
    tags: dict[str, str]
    points: dict[str, Points]
    datasets: list[UsedDataset]
    uses: list[Use]
    files: dict[str, StoredFile]
    notes: list[str]


def of(objects: ObjectFiles, given: RunGiven, now: Micros) -> Wanted:
    """Raises UserErrorException for a run that cannot be kept at all."""
    notes: list[str] = []
    tags = dict(given.tags)
    told = given.name or tags.get(RUN_NAME) or None
    tags.pop(RUN_NAME, None)
    description = tags.pop(NOTE, None)
    points, lost = histories.read(objects, given.metrics)
    notes += lost
    began = _time(given.started_ms, "start", notes)
    if began is None:
        began = min((int(each.time[0]) for each in points.values()), default=now)
        notes.append("it does not say when it began")
    status = _status(given.status, notes)
    ended = _time(given.ended_ms, "end", notes)
    if status.is_terminal() and ended is None:
        ended = max((int(each.time[-1]) for each in points.values()), default=began)
        notes.append("it does not say when it ended")
    if ended is not None and ended < began:
        notes.append("it ended before it began: its end is its beginning here")
        ended = began
    archived = (
        None if given.archived_ms is None else _time(given.archived_ms, "deletion", notes) or ended or began
    )
    datasets = []
    for each in given.datasets:
        if any(len(getattr(each, field)) > most for field, most in _LONGEST_DATASET.items()):
            notes.append(f"its data set {each.name[:80]!r} has a name or digest that is too long")
            continue
        datasets.append(
            UsedDataset(
                each.name, each.digest, each.source_type, each.source, each.schema, each.profile, each.tags
            )
        )
    used = [Use(each, READ) for each in given.read] + [
        Use(each, MADE, step) for each, step in given.made.items()
    ]
    return Wanted(
        id=ids.check_run_id(given.id),
        experiment=ids.check_experiment_name(given.experiment),
        status=status,
        started_at=began,
        ended_at=ended if status.is_terminal() else None,
        archived_at=archived,
        name=_name(told, notes),
        user=_shortened(callers.in_whose_name(given.user or tags.get(USER, "")), "user", notes),
        description=description or None,
        parent=tags.get(PARENT),
        params=_params(given.params, notes),
        tags=_tags(tags, notes),
        points=points,
        datasets=datasets,
        uses=[use for use in used if len(use.model_id) <= _LONGEST_LOGGED_ID],
        files=stored(given.files, notes),
        notes=notes,
    )


def stored(given: Mapping[str, FileGiven], notes: list[str]) -> dict[str, StoredFile]:
    """Files under names that can be kept."""
    found: dict[str, StoredFile] = {}
    for name, file in given.items():
        why = file_names.refusal(name)
        if why is None and name.startswith(_OWN_LOGS):
            why = "is kept for a log of ours"
        if why is None:
            found[name] = StoredFile(file.digest, file.size)
        else:
            notes.append(f"its file {name[:200]!a} {why}")
    return found


def _time(at_ms: int | None, what: str, notes: list[str]) -> Micros | None:
    if at_ms is None:
        return None
    try:
        return micros(at_ms, what)
    except MlflowError:
        notes.append(f"its {what} is {at_ms}, which is no time")
        return None


def _status(word: str, notes: list[str]) -> RunStatus:
    try:
        found = state(word)
    except MlflowError:
        notes.append(f"its status is {word[:40]!r}, which is none")
        return RunStatus.RUNNING
    if word == "SCHEDULED":
        notes.append("it is SCHEDULED, which is RUNNING here")
    return found


def _name(told: str | None, notes: list[str]) -> str | None:
    if not told:
        return None
    try:
        service.check_name(told)
    except UserErrorException:
        name = "".join(letter if letter.isprintable() else " " for letter in told)[:_LONGEST_NAME]
        notes.append(f"its name {told[:80]!a} cannot be one: it is called {name[:80]!r}")
        return name.strip() or None
    return told


def _shortened(value: str, what: str, notes: list[str]) -> str:
    if len(value) > _LONGEST_NAME:
        notes.append(f"its {what} was cut to {_LONGEST_NAME} characters")
    return value[:_LONGEST_NAME]


def _params(given: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if 1 <= len(name) <= _LONGEST_NAME}
    notes += [
        f"its parameter {name[:80]!r} has a name that is too long" for name in given.keys() - kept.keys()
    ]
    return kept


def _tags(given: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for key, value in given.items():
        try:
            check_mark("tag", key, value)
        except UserErrorException as error:
            notes.append(error.message)
            continue
        if len(kept) < MOST_MARKS:
            kept[key] = value
    if len(given) > MOST_MARKS:
        notes.append(f"of its {len(given):,} tags {MOST_MARKS:,} were taken")
    return kept
