"""`python -m faena.server.database_move FOLDER`: brings a workspace's database from its file to PostgreSQL.

Its URL is given by the environment, since it may hold a password. No server of the workspace runs, or starts,
meanwhile. The rows are committed together, compared by digest before, and only then does the workspace say that they
are there. What a kill leaves is done again by the same command.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from faena.db import Write
from faena.db.postgresql import PostgreSQL
from faena.db.row_copy import copy_rows, sums
from faena.db.sqlite import Sqlite
from faena.kernel.discovery import Rendezvous, try_lock
from faena.kernel.errors import FaenaError, WorkspaceException
from faena.kernel.startup_errors import REFUSED
from faena.people.settings import PREFIX
from faena.server import app as app  # its features add their tables
from faena.workspaces import database_place
from faena.workspaces import store as workspaces
from faena.workspaces.model import WorkspaceFolder, open_folder
from faena.workspaces.needs import COMES_BACK

VARIABLE = f"{PREFIX}DATABASE"
_ASIDE = "before-postgresql"


def move(folder: WorkspaceFolder, url: str) -> int:
    """How many rows the database then has.

    Raises WorkspaceException where the workspace has a server, or the database has rows of something else;
    ServiceException where the copy is not the same.
    """
    at = database_place.place(folder.path)
    if not isinstance(at, Path):
        raise WorkspaceException(f"The workspace's database is at {database_place.shown(at)} already.")
    database_place.check(url)
    if not at.exists():
        raise WorkspaceException(
            f"{folder.path.parent} has no database yet: `faena server run --database` makes one."
        )
    if (lock := try_lock(Rendezvous(folder.path).election)) is None:
        raise WorkspaceException(
            f"A server works on {folder.path}. Stop it first: `faena server stop` in {folder.path.parent}. {COMES_BACK}"
        )
    try:
        rows = _copy(at, url, folder.id)
        database_place.move_to(folder.path, url)
        for name in (at.name, f"{at.name}-wal", f"{at.name}-shm", f"commits-of-{at.name}"):
            if (left := at.with_name(name)).exists():
                left.rename(at.with_name(f"{_ASIDE}-{name}"))
    finally:
        os.close(lock)
    return rows


def _copy(path: Path, url: str, workspace: str) -> int:
    source = Sqlite(path, readers=1, traces="")
    try:
        target = PostgreSQL(url, readers=1)
        try:
            with (
                source.reading.connect() as reading,
                target.writing.connect() as writing,
                target.transaction(writing),
            ):
                workspaces.claim_database(Write(writing), workspace)
                there = sums(writing)
                if not any(found.rows for found in there.values()):
                    there = copy_rows(reading, writing)
                elif there != sums(reading):
                    raise WorkspaceException(
                        f"The database {database_place.shown(url)} has rows already. Give one that is empty; the "
                        f"workspace's own stays in {path}."
                    )
        finally:
            target.close()
    finally:
        source.close()
    return sum(found.rows for found in there.values())


def main() -> None:
    """Says how many rows there are, or why not, with the exit code of a server that could not start."""
    folder = Path(sys.argv[1])
    try:
        sys.stdout.write(f"{move(open_folder(folder), os.environ.pop(VARIABLE, ''))}\n")
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())[:300]
        sys.exit(_refused(f"The rows could not be brought to PostgreSQL ({said}). All is as it was."))
    except FaenaError as error:
        sys.exit(_refused(error.message))


def _refused(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return REFUSED


if __name__ == "__main__":
    main()
