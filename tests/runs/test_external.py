"""Runs of processes that nobody here knows: who logs them says how they end, and nothing here waits for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.db import Database, Write
from faena.runs import external, phase_store, service
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


def test_an_end_that_is_known_is_moved_by_who_says_when_it_was(database: Database) -> None:
    begun(database)

    def said(at: int, *, is_told: bool) -> tuple[int | None, int | None]:
        def work(write: Write) -> tuple[int | None, int | None]:
            run = service.get(write, "logged")
            external.say_status(write, run, RunStatus.COMPLETED, at, is_told=is_told)
            last = phase_store.list_phases(write, "logged")[-1]
            return service.get(write, "logged").ended_at, last.ended_at

        return database.submit_write(work).result()

    assert said(5, is_told=False) == (5, 5)
    assert said(7, is_told=False) == (5, 5)
    assert said(9, is_told=True) == (9, 9)
    assert said(0, is_told=True) == (1, 1)  # when it began
