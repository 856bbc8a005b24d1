"""Use cases of experiments: change, delete."""

from __future__ import annotations

import sqlalchemy as sa

from faena.db import Read, Write
from faena.kernel import dates, experiment_names
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict, NotFound
from faena.kernel.tag_rules import check_mark
from faena.workspaces import store
from faena.workspaces.schemas import AS_OF_TAG, ExperimentChange, ExperimentView


def change(write: Write, name: str, wanted: ExperimentChange, now: Micros) -> ExperimentView:
    """Archive an experiment or show it again, change its tags. Raises NotFound, and UserErrorException for a tag."""
    found = get(write, name)
    name = found.name
    if wanted.archived is not None:
        store.archive_experiment(write, name, now if wanted.archived else None)
    for key, value in wanted.add_tags.items():
        check_mark("tag", key, value)
        if key == AS_OF_TAG:
            dates.asked(value, f"The tag {key}")
    kept = {key: value for key, value in found.tags.items() if key not in wanted.remove_tags}
    if (tags := kept | wanted.add_tags) != found.tags:
        store.set_tags(write, name, tags)
    store.mark_changed(write, name, now)
    return get(write, name)


def delete(write: Write, name: str) -> None:
    """Remove an experiment without runs. Raises NotFound, and Conflict while a run of it can still be had."""
    name = get(write, name).name
    try:
        store.delete_experiment(write, name)
    except sa.exc.IntegrityError:
        raise Conflict(
            f"The experiment {name!r} has runs, or some whose deletion can still be undone. Delete them first with "
            "`faena delete --experiment` and `faena tidy --now`, or archive it."
        ) from None


def get(read: Read, name: str) -> ExperimentView:
    """By its name in any spelling of the same characters. Raises NotFound."""
    found = store.get_experiment(read, experiment_names.normal(name))
    if found is None:
        raise NotFound(f"There is no experiment {name[:80]!r} in this workspace.")
    return found
