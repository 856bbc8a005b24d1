"""The doctor and a workspace whose database is PostgreSQL: nothing of it is passed over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from faena.db import Database
from faena.health.finding import State
from faena.health.subject import Subject
from faena.objects import store
from faena.objects.files import FolderObjects
from faena.testing import postgresql
from faena.workspaces import database_place
from tests.health.ground import findings

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


@pytest.fixture
def url(subject: Subject, postgresql_server: postgresql.Server) -> Iterator[str]:
    assert subject.folder is not None
    with postgresql_server.database() as made:
        (subject.folder / "faena.db").unlink()
        database_place.choose(subject.folder, made)
        yield made


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


def test_it_is_read_and_its_objects_are_looked_for(subject: Subject, database: Database) -> None:
    assert subject.folder is not None
    files = FolderObjects(subject.folder / "objects")
    kept, _ = files.put([b"kept"])
    lost = hashlib.sha256(b"lost").hexdigest()
    database.submit_write(lambda write: store.touch(write, {kept: 4, lost: 4}, 1)).result()
    found = findings(subject, "Database", "Objects", "Clocks", "Other machines")
    assert "PostgreSQL" in found["database"].found
    assert "0 runs" in found["database"].found
    assert found["schema"].state is State.OK
    assert (found["missing objects"].state, found["missing objects"].found) == (
        State.PROBLEM,
        f"1 of 2 that rows refer to (objects): {lost[:12]}",
    )
    assert "clock" in found, "it was compared with the newest run"


def test_one_that_cannot_be_reached_is_told_without_its_password(subject: Subject) -> None:
    assert subject.folder is not None
    (subject.folder / "faena.db").unlink()
    database_place.choose(subject.folder, "postgresql://faena:secret-word@127.0.0.1:1/team")
    found = findings(subject, "Database", "Objects")["database"]
    assert found.state is State.PROBLEM
    assert "postgresql://127.0.0.1:1/team cannot be read" in found.found
    assert "secret-word" not in f"{found.found} {found.remedy}"


def test_one_that_has_lost_its_tables_is_told(
    subject: Subject, url: str, postgresql_server: postgresql.Server
) -> None:
    assert subject.folder is not None
    for left in (database_place.RECORD, "commits-of-faena.db"):
        (subject.folder / left).unlink()
    database_place.choose(subject.folder, postgresql_server.url(postgresql_server.create()))
    assert "no tables yet" in findings(subject, "Database")["database"].found
    FolderObjects(subject.folder / "objects").put([b"of a workspace that has lived"])
    found = findings(subject, "Database")["database"]
    assert (found.state, "none of the workspace's tables" in found.found) == (State.PROBLEM, True)
