"""What models keep of runs, for quotas of bytes."""

from __future__ import annotations

import sqlalchemy as sa

from faena.models.logged.store import files as logged_files
from faena.models.store import IS_THERE, versions
from faena.models.store import files as registered_files
from faena.runs import kept_bytes
from faena.runs.store import runs


@kept_bytes.parts.add
def _registered(theirs: sa.ColumnElement[bool]) -> sa.Select[tuple[str, int]]:
    same = (registered_files.c.name == versions.c.name) & (registered_files.c.version == versions.c.version)
    return (
        sa.select(registered_files.c.digest, registered_files.c.size)
        .join_from(runs, versions, versions.c.run_id == runs.c.id)
        .join(registered_files, same)
        .where(theirs, IS_THERE)
    )


@kept_bytes.parts.add
def _logged(theirs: sa.ColumnElement[bool]) -> sa.Select[tuple[str, int]]:
    """Those that MLflow's clients log."""
    return (
        sa.select(logged_files.c.digest, logged_files.c.size)
        .join_from(runs, logged_files, logged_files.c.run_id == runs.c.id)
        .where(theirs)
    )
