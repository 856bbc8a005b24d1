"""Runs of processes that nobody here knows: who logs them says how they end, and nothing here waits for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.db import Database
from faena.runs import external, service
from faena.runs.external import ExternalRun
from faena.runs.model import RunStatus
from faena.workspaces import needs
from tests.databases import Databases


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Database:
    return databases.open(tmp_path / "faena.db")


def begun(database: Database, run_id: str = "logged") -> None:
    given = ExternalRun(run_id, "elsewhere", started_at=1)
    database.submit_write(lambda write: external.start(write, given, 1)).result()


def status(database: Database, run_id: str = "logged") -> str:
    return database.submit_read(lambda read: service.get(read, run_id).shown_status).result()


def test_one_that_goes_on_keeps_no_server(database: Database) -> None:
    begun(database)
    assert not database.submit_read(needs.needs_server).result()


def test_one_that_is_canceled_ends_at_once(database: Database) -> None:
    begun(database)
    database.submit_write(lambda write: service.cancel(write, "logged", 2)).result()
    assert status(database) == "Canceled"


def test_one_goes_on_after_its_end_where_its_client_says_so(database: Database) -> None:
    begun(database)

    def say(word: RunStatus) -> None:
        database.submit_write(
            lambda write: external.say_status(write, service.get(write, "logged"), word, 2)
        ).result()

    say(RunStatus.FAILED)
    assert status(database) == "Failed"
    say(RunStatus.RUNNING)
    assert status(database) == "Running"
    say(RunStatus.COMPLETED)
    assert status(database) == "Completed"
