"""A version's stage: Staging, Production, Archived or none. Several versions of a model may be in one."""

from __future__ import annotations

from faena.db import Write
from faena.kernel.clock import Micros
from faena.models import name_store, service, store
from faena.models.model import ModelVersion, check_stage


def move(
    write: Write, name: str, version: int, stage: str | None, now: Micros, *, archive_others: bool = False
) -> ModelVersion:
    """Put a version into a stage, None for none. `archive_others`: those that are in it go to Archived.

    Raises ModelNotFoundException, and WebserviceException for a word that is no stage.
    """
    wanted = check_stage(stage)
    model = service.get(write, name, version)
    if archive_others:
        for other in store.in_stage(write, name, wanted):
            if other != model.version:
                store.change(write, name, other, now, stage="Archived")
    store.change(write, name, model.version, now, stage=wanted)
    name_store.change(write, name, now)
    return service.get(write, name, model.version)
