"""Models of a folder store: those that runs logged, and those that are registered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from faena.client.mlflow_stores import reading
from faena.client.mlflow_stores.found import StoreDamaged
from faena.client.mlflow_stores.reading import number, word
from faena.mlflow.moving.schemas import LoggedModelGiven, ModelGiven, ModelMetricGiven, VersionGiven

STATES = ("", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED")
"""By their numbers."""
_VERSION = re.compile(r"version-(\d{1,9})")


def logged(experiment: str, folder: Path) -> tuple[LoggedModelGiven, str]:
    """Raises StoreDamaged."""
    meta = reading.meta(folder)
    if word(meta.get("model_id")) != folder.name:
        raise StoreDamaged(f"{folder / reading.META} is of another logged model.")
    created = number(meta.get("creation_timestamp")) or 0
    model = LoggedModelGiven(
        id=folder.name,
        experiment=experiment,
        name=word(meta.get("name")),
        status=state(meta.get("status")),
        created_ms=created,
        changed_ms=number(meta.get("last_updated_timestamp")) or created,
        run_id=word(meta.get("source_run_id")) or None,
        kind=word(meta.get("model_type")),
        message=word(meta.get("status_message")),
        params=reading.texts(folder / "params"),
        tags=reading.texts(folder / "tags"),
        metrics=_metrics(folder / "metrics"),
        deleted=meta.get("lifecycle_stage") == "deleted",
    )
    own = folder / "artifacts"
    address = word(meta.get("artifact_location"))
    if own.is_dir() and (not address or address.rstrip("/").endswith(f"/{folder.name}/artifacts")):
        address = str(own)
    return model, address


def state(told: Any) -> str:
    """MLflow's word for a state, which may be told by its number or without its beginning."""
    if isinstance(told, int) and 0 <= told < len(STATES):
        return STATES[told]
    text = word(told)
    return text if text in STATES else next((each for each in STATES if each.endswith(f"_{text}")), text)


def _metrics(root: Path) -> list[ModelMetricGiven]:
    found: list[ModelMetricGiven] = []
    for name, place in reading.files(root):
        for line in reading.content(place, reading.LONGEST_METRIC).decode("utf-8", "replace").splitlines():
            words = line.split(" ")
            if len(words) not in (4, 6):
                continue
            try:
                time, value, step = int(words[0]), float(words[1]), int(words[2])
            except ValueError:
                continue
            found.append(ModelMetricGiven(words[3], name, value, time, step, *words[4:]))
    return found


def registered(folder: Path, trouble: list[str]) -> ModelGiven:
    """Raises StoreDamaged where the model's own record cannot be read; of versions that cannot it is told."""
    meta = reading.meta(folder)
    created = number(meta.get("creation_timestamp")) or 0
    versions: list[VersionGiven] = []
    for place in reading.folders(folder):
        if (named := _VERSION.fullmatch(place.name)) is None:
            continue
        try:
            versions.append(_version(int(named[1]), place))
        except StoreDamaged as error:
            trouble.append(f"version {named[1]} of the model {folder.name}: {error.message}")
    aliases = {name: number(text.strip()) for name, text in reading.texts(folder / "aliases").items()}
    return ModelGiven(
        name=word(meta.get("name")) or folder.name,
        created_ms=created,
        changed_ms=number(meta.get("last_updated_timestamp")) or created,
        description=word(meta.get("description")),
        tags=reading.texts(folder / "tags"),
        aliases={name: version for name, version in aliases.items() if version is not None},
        versions=sorted(versions, key=lambda each: each.version),
    )


def _version(version: int, folder: Path) -> VersionGiven:
    meta = reading.meta(folder)
    created = number(meta.get("creation_timestamp")) or 0
    stage = word(meta.get("current_stage"))
    return VersionGiven(
        version=version,
        created_ms=created,
        changed_ms=number(meta.get("last_updated_timestamp")) or created,
        description=word(meta.get("description")),
        stage=stage,
        source=word(meta.get("source")),
        storage=word(meta.get("storage_location")),
        run_id=word(meta.get("run_id")) or None,
        run_link=word(meta.get("run_link")),
        status=word(meta.get("status")) or "READY",
        model_id=word(meta.get("model_id")) or None,
        tags=reading.texts(folder / "tags"),
        deleted=stage == DELETED,
    )


DELETED = "Deleted_Internal"
"""The stage of a version that was deleted."""
