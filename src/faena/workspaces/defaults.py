"""What holds for runs that say nothing of it: the date of their environments, by experiment and workspace."""

from __future__ import annotations

from faena.db import Read
from faena.kernel import dates, experiment_names
from faena.workspaces import store
from faena.workspaces.schemas import AS_OF_TAG


def checked(as_of: str) -> str:
    """What may be a default: a date, `auto`, or empty for none. Raises UserErrorException."""
    said = dates.asked(as_of or None)
    return "" if said == dates.TODAY else said


def of_experiment(read: Read, name: str) -> str:
    """Its date, `auto` or `today`; empty: it has none."""
    found = store.get_experiment(read, experiment_names.normal(name))
    return "" if found is None else found.tags.get(AS_OF_TAG, "")
