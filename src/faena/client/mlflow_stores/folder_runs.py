"""A run of a folder store: a file for its record, one for each parameter, tag and metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faena.client.mlflow_stores import numbers, reading
from faena.client.mlflow_stores.found import Head, RunFound, StoreDamaged
from faena.client.mlflow_stores.reading import number, word
from faena.mlflow.moving.schemas import DatasetGiven, Points, RunGiven

_STATES = ("", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
"""By their numbers."""
_LONGEST_DATASET = 8 << 20


class Datasets:
    """Data sets of experiments, each read once."""

    def __init__(self) -> None:
        self._known: dict[Path, DatasetGiven] = {}

    def get(self, folder: Path) -> DatasetGiven:
        if folder not in self._known:
            meta = reading.meta(folder, _LONGEST_DATASET)
            self._known[folder] = DatasetGiven(
                name=word(meta.get("name")),
                digest=word(meta.get("digest")),
                source_type=word(meta.get("source_type")),
                source=word(meta.get("source")),
                schema=_or_none(meta.get("schema")),
                profile=_or_none(meta.get("profile")),
            )
        return self._known[folder]


def read(head: Head, datasets: Datasets) -> RunFound:
    """Raises StoreDamaged where its record cannot be read; what else is damaged is noted."""
    folder = Path(head.place)
    meta = reading.meta(folder)
    told = word(meta.get("run_id") or meta.get("run_uuid"))
    if told != head.id:
        raise StoreDamaged(f"{folder / reading.META} is of a run {told[:80]!r}.")
    notes: list[str] = []
    used, read_ones = _inputs(folder, datasets, notes)
    started, ended = number(meta.get("start_time")), number(meta.get("end_time"))
    deleted = number(meta.get("deleted_time")) or ended or started or 0
    run = RunGiven(
        id=head.id,
        experiment=head.experiment,
        status=_status(meta.get("status")),
        started_ms=started,
        ended_ms=ended,
        archived_ms=deleted if meta.get("lifecycle_stage") == "deleted" else None,
        name=word(meta.get("run_name") or meta.get("name")) or None,
        user=word(meta.get("user_id")),
        params=_texts(folder / "params", notes),
        tags=_texts(folder / "tags", notes),
        metrics=_metrics(folder / "metrics", notes),
        datasets=used,
        read=read_ones,
        made=_outputs(folder, notes),
    )
    own = folder / "artifacts"
    address = word(meta.get("artifact_uri"))
    if own.is_dir() and (not address or address.rstrip("/").endswith(f"/{head.id}/artifacts")):
        address = str(own)  # also where the store was moved or copied
    return RunFound(run, address, notes)


def _status(told: Any) -> str:
    if isinstance(told, int) and 0 < told < len(_STATES):
        return _STATES[told]
    return word(told) or "RUNNING"


def _texts(root: Path, notes: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, place in reading.files(root):
        try:
            found[name] = reading.text(place)
        except StoreDamaged as error:
            notes.append(error.message)
    return found


def _metrics(root: Path, notes: list[str]) -> dict[str, Points]:
    found: dict[str, Points] = {}
    for name, place in reading.files(root):
        try:
            points, bad = numbers.of_lines(reading.content(place, reading.LONGEST_METRIC))
        except StoreDamaged as error:
            notes.append(error.message)
            continue
        if bad:
            notes.append(f"{bad} lines of its metric {name[:80]!r} are no points")
        if points.count:
            found[name] = points
    return found


def _inputs(folder: Path, datasets: Datasets, notes: list[str]) -> tuple[list[DatasetGiven], list[str]]:
    used: list[DatasetGiven] = []
    models: list[str] = []
    for place in reading.folders(folder / "inputs"):
        try:
            meta = reading.meta(place)
            source = word(meta.get("source_id"))
            if meta.get("source_type") == "MODEL":
                models.append(source)
                continue
            if "/" in source or source in ("", ".", ".."):
                raise StoreDamaged(f"{place / reading.META} names no data set.")
            found = datasets.get(folder.parent / "datasets" / source)
        except StoreDamaged as error:
            notes.append(error.message)
            continue
        tags = meta.get("tags")
        told = {word(key): word(value) for key, value in tags.items()} if isinstance(tags, dict) else {}
        used.append(
            DatasetGiven(
                found.name, found.digest, found.source_type, found.source, found.schema, found.profile, told
            )
        )
    return used, models


def _outputs(folder: Path, notes: list[str]) -> dict[str, int]:
    made: dict[str, int] = {}
    for place in reading.folders(folder / "outputs"):
        try:
            meta = reading.meta(place)
        except StoreDamaged as error:
            notes.append(error.message)
            continue
        made[word(meta.get("source_id")) or place.name] = number(meta.get("step")) or 0
    return made


def _or_none(value: Any) -> str | None:
    return None if value is None else str(value)
