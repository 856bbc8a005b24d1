"""In whose name a script on another machine asks for what is not its own run's: that of the person whose run it is."""

from __future__ import annotations

from functools import partial

from faena.attempts.key import AttemptKey
from faena.db import Read
from faena.db.hiding import Asker
from faena.people import sharing_store
from faena.people import store as people
from faena.people.model import Role
from faena.runs import store as runs

_OF_OTHERS = frozenset(
    ("runs", "models", "datasets", "file-datasets", "experiments", "environments", "sweeps", "workspace")
)
"""First words of paths below which there is more than an attempt's own."""


def is_of_others(path: str, attempt: str) -> bool:
    """Whether what is asked for may be another run's, or somebody else's. `attempt`: by name."""
    first, _, rest = path.removeprefix("/").partition("/")
    own = first == "runs" and rest.partition("/")[0] == AttemptKey.of_name(attempt).run_id
    return first in _OF_OTHERS and not own


def asker_of(read: Read, attempt: str) -> Asker | None:
    """None: everything is there, as for who is on the server's host: it was submitted there."""
    run = runs.get(read, AttemptKey.of_name(attempt).run_id)
    if run is None:
        return None
    role = people.role_of(read, run.user)
    if role is None and not people.was_removed(read, run.user):
        return None
    return Asker(run.user, None if role is Role.OWNER else partial(sharing_store.view_of, person=run.user))
