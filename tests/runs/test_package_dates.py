"""The day of a run's packages, and who said it, as everybody who looks at the run is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from faena.compute.waiting import Gpu
from faena.db import Read, Write
from faena.environments.schemas import EnvironmentRequest
from faena.environments.service import ReadyEnvironment
from faena.runs import details, service
from faena.runs.engine import prepare
from faena.runs.model import RunStatus
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import Submission
from faena.search import routes
from faena.workspaces import store as workspaces
from tests.databases import Databases
from tests.runs.test_preparing import LOCK
from tests.runs.test_queue import a_run


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("asked", "of_the_lock", "told"),
    [
        (
            EnvironmentRequest(as_of="2019-10-01"),
            "2019-09-01",
            ("2019-10-01", "given"),
        ),  # two days may share one lock
        (
            EnvironmentRequest(as_of="2019-10-01", as_of_else="2019-10-01"),
            "2019-10-01",
            ("2019-10-01", "default"),
        ),
        (EnvironmentRequest(as_of="auto"), "2019-05-27", ("2019-05-27", "auto")),
        (EnvironmentRequest(), "2019-05-27", ("2019-05-27", "auto")),
        (EnvironmentRequest(), "", ("", "")),
    ],
)
def test_a_run_tells_the_day_of_its_packages_and_who_said_it(
    asked: EnvironmentRequest, of_the_lock: str, told: tuple[str, str], tmp_path: Path, databases: Databases
) -> None:
    database = databases.open(tmp_path / "faena.db", on_commit=lambda *_: None)
    lock = msgspec.structs.replace(LOCK, as_of=of_the_lock)

    def add(write: Write) -> None:
        workspaces.create_experiment(write, "e", 0)
        run = msgspec.structs.replace(
            a_run("run-1", "e", 1, "cpu", Gpu.NONE, 1), status=RunStatus.NOT_STARTED
        )
        submission = msgspec.json.decode(run.submission, type=Submission)
        submission = msgspec.structs.replace(submission, environment=asked)
        run = msgspec.structs.replace(run, submission=msgspec.json.encode(submission), queued_at=None)
        service.add(write, run, {}, {})
        prepare.queue_all(write, [run], ReadyEnvironment(lock, "/envs/one/bin/python"), 1)

    def look(read: Read) -> RunView:
        return service.view(read, service.get(read, "run-1"), with_outlook=False)

    asyncio.run(database.write(add))
    view = database.look_up(look)
    assert (view.as_of, view.as_of_from) == told
    [row] = database.look_up(lambda read: routes._rows(read, [service.get(read, "run-1")], whole=True))
    assert (row.as_of, row.as_of_from) == told
    environment = details.details(view, [])["runDefinition"]["environment"]
    assert (environment.get("asOf", ""), environment.get("asOfFrom", "")) == told
