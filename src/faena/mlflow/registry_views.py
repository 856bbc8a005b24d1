"""Registered models and their versions in MLflow's words: what is asked of many at once is read at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from faena.db import Read
from faena.mlflow import registry_places
from faena.mlflow.artifacts import addresses
from faena.mlflow.words import millis, pairs, without_empty
from faena.models import alias_store
from faena.models import store as versions
from faena.models.model import ModelVersion, RegisteredModel
from faena.runs import store as runs

NO_STAGE = "None"
RUN_LINK, MODEL_ID = "mlflow.run_link", "mlflow.model_id"
"""Properties of a version: what its client said of it that we have no column for."""
_TOGETHER = 500


def models_shown(read: Read, models: Sequence[RegisteredModel]) -> list[dict[str, Any]]:
    """In their order."""
    names = [model.name for model in models]
    latest = versions.latest_of_stages(read, names)
    aliases = alias_store.of_models(read, names)
    users = _users(read, [version for found in latest.values() for version in found])
    return [
        without_empty(
            {
                "name": model.name,
                "creation_timestamp": millis(model.created_at),
                "last_updated_timestamp": millis(model.changed_at),
                "description": model.description or None,
                "latest_versions": [_shown(version, users) for version in latest[model.name]],
                "tags": pairs(model.tags),
                "aliases": [
                    {"alias": alias, "version": str(version)}
                    for alias, version in aliases.get(model.name, {}).items()
                ],
            }
        )
        for model in models
    ]


def versions_shown(read: Read, found: Sequence[ModelVersion]) -> list[dict[str, Any]]:
    """In their order."""
    users = _users(read, found)
    return [_shown(version, users) for version in found]


def _shown(version: ModelVersion, users: Mapping[str, str]) -> dict[str, Any]:
    return without_empty(
        {
            "name": version.name,
            "version": str(version.version),
            "creation_timestamp": millis(version.created_at),
            "last_updated_timestamp": millis(version.changed_at),
            "user_id": users.get(version.run_id or ""),
            "current_stage": version.stage or NO_STAGE,
            "description": version.description,
            "source": version.source or addresses.of_version(version.name, version.version),
            "run_id": version.run_id or version.told_run or "",
            "status": "READY",
            "tags": pairs(version.tags),
            "run_link": version.properties.get(RUN_LINK),
            "aliases": list(version.aliases),
            "model_id": version.properties.get(MODEL_ID),
        }
    )


def download_address(read: Read, version: ModelVersion) -> str:
    """Where a client finds its files: where they came from while they are there, else among those that are kept."""
    if version.location and (not version.files or registry_places.has_files(read, version.location)):
        return version.location
    return addresses.of_version(version.name, version.version)


def _users(read: Read, found: Sequence[ModelVersion]) -> dict[str, str]:
    """Who submitted the runs that made them, by the runs' ids."""
    ids = list({version.run_id for version in found if version.run_id})
    users: dict[str, str] = {}
    for start in range(0, len(ids), _TOGETHER):
        chosen = runs.runs.c.id.in_(ids[start : start + _TOGETHER])
        rows = read.execute(sa.select(runs.runs.c.id, runs.runs.c.user).where(chosen))
        users |= {row.id: row.user for row in rows}
    return users
