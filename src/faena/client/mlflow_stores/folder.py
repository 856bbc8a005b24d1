"""A store that is a folder, such as `mlruns`: a folder for each experiment, in it one for each run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from faena.client.mlflow_stores import folder_evaluation, folder_models, folder_runs, folder_traces, reading
from faena.client.mlflow_stores.found import Files, Head, RunFound, StoreDamaged
from faena.client.mlflow_stores.places import Places
from faena.client.mlflow_stores.reading import number, word
from faena.kernel.errors import UserErrorException
from faena.mlflow.moving.schemas import (
    EvaluationSetGiven,
    ExperimentGiven,
    LoggedModelGiven,
    ModelGiven,
    TraceGiven,
)

TRASH, MODELS = ".trash", "models"
RESERVED = ("tags", "datasets", "traces", "models")
"""Folders of an experiment that are no runs."""
_RUN_ID = re.compile(r"[A-Za-z0-9][\w\-]{0,255}", re.ASCII)


class FolderStore:
    """`artifacts`: where a person says that artifacts are. Raises UserErrorException for a folder that is no store."""

    def __init__(self, folder: Path, artifacts: Path | None = None) -> None:
        self.root = _found(folder)
        self.address = str(self.root)
        self.places = Places(self.root.parent, artifacts)
        self._trouble: list[str] = []
        self._datasets = folder_runs.Datasets()
        self._experiments = list(self._find())

    def close(self) -> None:
        pass

    def experiments(self) -> list[ExperimentGiven]:
        return [experiment for experiment, _ in self._experiments]

    def heads(self) -> list[Head]:
        found: list[Head] = []
        for experiment, folder in self._experiments:
            for place in reading.folders(folder):
                if place.name in RESERVED or not _RUN_ID.fullmatch(place.name):
                    continue
                if not (place / reading.META).exists() and not (place / "metrics").is_dir():
                    continue  # some other folder
                try:
                    meta = reading.meta(place)
                except StoreDamaged as error:
                    self._trouble.append(f"run {place.name}: {error.message}")
                    continue
                found.append(Head(place.name, experiment.id, number(meta.get("start_time")) or 0, str(place)))
        return found

    def run(self, head: Head) -> RunFound:
        return folder_runs.read(head, self._datasets)

    def files(self, address: str, owner: str) -> AbstractContextManager[Files]:
        return self.places.files(address, owner)

    def logged_models(self) -> Iterator[tuple[LoggedModelGiven, str]]:
        for experiment, folder in self._experiments:
            for place in reading.folders(folder / MODELS):
                try:
                    yield folder_models.logged(experiment.id, place)
                except StoreDamaged as error:
                    self._trouble.append(f"logged model {place.name}: {error.message}")

    def models(self) -> Iterator[ModelGiven]:
        for place in reading.folders(self.root / MODELS):
            try:
                yield folder_models.registered(place, self._trouble)
            except StoreDamaged as error:
                self._trouble.append(f"registered model {place.name}: {error.message}")

    def traces(self) -> Iterator[tuple[TraceGiven, str]]:
        for experiment, folder in self._experiments:
            for place in reading.folders(folder / "traces"):
                try:
                    yield folder_traces.read(experiment.id, place)
                except StoreDamaged as error:
                    self._trouble.append(f"trace {place.name}: {error.message}")

    def evaluation_sets(self) -> Iterator[EvaluationSetGiven]:
        yield from folder_evaluation.read(self.root, self._trouble)

    def left_out(self) -> dict[str, int]:
        return {}

    def trouble(self) -> list[str]:
        return self._trouble

    def _find(self) -> Iterator[tuple[ExperimentGiven, Path]]:
        """All experiments, deleted ones too; one whose own file is damaged is called by its id."""
        for parent in (self.root, self.root / TRASH):
            for folder in reading.folders(parent):
                if folder.name in (TRASH, MODELS):
                    continue
                meta: Mapping[str, Any] = {}
                try:
                    meta = reading.meta(folder)
                    tags = reading.texts(folder / "tags")
                except StoreDamaged as error:
                    if not any((run / reading.META).exists() for run in reading.folders(folder)):
                        continue
                    self._trouble.append(f"experiment {folder.name}: {error.message} It is called by its id.")
                    tags = {}
                yield _experiment(folder.name, meta, tags, deleted=parent is not self.root), folder


def _experiment(
    name: str, meta: Mapping[str, Any], tags: dict[str, str], *, deleted: bool
) -> ExperimentGiven:
    created, changed = number(meta.get("creation_time")), number(meta.get("last_update_time"))
    return ExperimentGiven(
        id=name,
        name=word(meta.get("name")) or f"mlflow {name}",
        created_at=_micros(created),
        changed_at=_micros(changed),
        archived=deleted or meta.get("lifecycle_stage") == "deleted",
        tags=tags,
    )


def _micros(at_ms: int | None) -> int | None:
    return at_ms * 1000 if at_ms is not None and 0 <= at_ms < 2**63 // 1000 else None


def _found(given: Path) -> Path:
    """The folder, or the `mlruns` in it."""
    folder = given.expanduser().absolute()
    if not folder.is_dir():
        raise UserErrorException(f"There is no folder {str(given)[:300]!r}. Give one such as 'mlruns'.")
    for place in (folder, folder / "mlruns"):
        if _is_store(place):
            return place
    databases = [path for path in sorted(folder.glob("*.db")) if path.is_file()][:1]
    instead = f" For the database in it give 'sqlite:///{databases[0]}'." if databases else ""
    raise UserErrorException(
        f"{str(given)[:300]!r} is no store of MLflow's: no folder in it has the meta.yaml of an experiment or of a "
        f"registered model. Give one such as 'mlruns'.{instead}"
    )


def _is_store(folder: Path) -> bool:
    try:
        return any(
            _is_part(place) for parent in (folder, folder / TRASH) for place in reading.folders(parent)
        )
    except StoreDamaged as error:
        raise UserErrorException(error.message) from error


def _is_part(place: Path) -> bool:
    """Whether that is an experiment, one whose own record is damaged too, or the folder of registered models."""
    if place.name == MODELS:
        return any((model / reading.META).exists() for model in reading.folders(place))
    return _says(place, "experiment_id") or any(_says(run, "run_id", "run_uuid") for run in _few(place))


def _few(folder: Path) -> Iterator[Path]:
    for count, place in enumerate(reading.folders(folder)):
        if count == 20:
            return
        yield place


def _says(folder: Path, *names: str) -> bool:
    try:
        meta = reading.meta(folder)
    except StoreDamaged:
        return False
    return any(name in meta for name in names)
