"""Which database a workspace has, once it has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.kernel.errors import WorkspaceException
from faena.workspaces import database_place

FIRST, OTHER = "postgresql://faena@db/typo", "postgresql://faena@db/team"


def test_one_that_was_never_opened_is_given_up_for_another(tmp_path: Path) -> None:
    for wrong in (FIRST, "postgresql://faena@elsewhere/team"):
        database_place.choose(tmp_path, wrong)
        assert database_place.place(tmp_path) == wrong
    database_place.choose(tmp_path, OTHER)
    database_place.is_ours(tmp_path)
    database_place.choose(tmp_path, "postgresql://another@db/team")  # the same one
    with pytest.raises(WorkspaceException, match="has its database at postgresql://db/team, not at"):
        database_place.choose(tmp_path, FIRST)
    assert database_place.place(tmp_path) == "postgresql://another@db/team"


def test_one_that_was_opened_before_there_was_such_a_note_stays(tmp_path: Path) -> None:
    database_place.move_to(tmp_path, OTHER)
    with pytest.raises(WorkspaceException, match="name both once: postgresql://user@new,old/name"):
        database_place.choose(tmp_path, FIRST)


def test_one_that_moved_to_another_host_is_named_beside_the_old_one(tmp_path: Path) -> None:
    database_place.move_to(tmp_path, "postgresql://faena@old/team")
    database_place.choose(tmp_path, "postgresql://faena@new,old/team")
    database_place.choose(tmp_path, "postgresql://faena@new/team")
    assert database_place.place(tmp_path) == "postgresql://faena@new/team"
