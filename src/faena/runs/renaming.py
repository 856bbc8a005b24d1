"""An experiment gets another name, and with it all of its runs; its number stays."""

from __future__ import annotations

from faena.db import Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import Conflict
from faena.runs import quota_store, transitions
from faena.runs.store import runs
from faena.workspaces import service, store


def rename(write: Write, name: str, new_name: str, now: Micros) -> None:
    """Raises NotFound, Conflict where the new name is taken, UserErrorException for one that cannot be."""
    there = service.get(write, name)
    wanted = ids.check_experiment_name(new_name)
    if wanted == there.name:
        return
    if store.get_experiment(write, wanted) is not None:
        raise Conflict(f"There is an experiment {wanted!r} already. Use another name.")
    # runs refer to its name: it is there twice until all of them refer to the new one
    store.copy_as(write, there.name, wanted, now)
    write.execute(runs.update().where(runs.c.experiment == there.name).values(experiment=wanted))
    quota_store.rename_experiment(write, there.name, wanted)
    store.delete_experiment(write, there.name)
    write.notify(transitions.MOVED)
