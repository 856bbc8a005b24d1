"""What a build says, to who asks for the logs of a run that waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from faena.compute.waiting import Gpu
from faena.db import Write
from faena.runs import service
from faena.runs.engine import prepare
from faena.runs.model import RunStatus
from faena.runs.submission_schemas import Submission
from faena.testing.waiting import until
from faena.workspaces import store as workspaces
from tests.runs.test_queue import a_run
from tests.server.house import running

LOG = "azureml-logs/20_image_build_log.txt"


class SlowBuild:
    """In the place of a builder process: it has said something, and goes on."""

    def __init__(self, spec: object, folder: Path, **_: object) -> None:
        self.log = folder / "build.log"

    async def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("Resolved 1 package\n")

    async def wait(self, timeout: float) -> bool:
        await asyncio.sleep(timeout)
        return False

    def result(self) -> None:
        return None


def test_who_asks_for_logs_of_a_run_that_waits_gets_what_its_build_has_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds: list[SlowBuild] = []

    def started(*given: Any, **options: Any) -> SlowBuild:
        builds.append(SlowBuild(*given, **options))
        return builds[-1]

    monkeypatch.setattr(prepare, "Build", started)

    def submit(write: Write) -> None:
        workspaces.create_experiment(write, "e", 0)
        for number, name in enumerate(("first", "second")):
            run = a_run(name, "e", number, "cpu", Gpu.NONE, 1)
            submission = msgspec.json.decode(run.submission, type=Submission)
            wanted = msgspec.structs.replace(submission.environment, packages=("thing==1.0",))
            given = msgspec.json.encode(msgspec.structs.replace(submission, environment=wanted))
            run = msgspec.structs.replace(run, status=RunStatus.NOT_STARTED, submission=given, queued_at=None)
            service.add(write, run, {}, {})

    with running(tmp_path) as server:
        server.do(server.house.database.write(submit))
        client = server.client()
        until(lambda: builds and builds[0].log.exists(), "the build has begun")
        assert client.get("/runs/first/logs").json == [{"name": LOG, "size": 19}]
        assert "Resolved 1 package" in client.get(f"/runs/first/files/{LOG}").text
        with builds[0].log.open("a") as file:
            file.write("Installed 1 package\n")
        assert "Installed 1 package" in client.get(f"/runs/first/files/{LOG}").text
        assert "Installed 1 package" in server.browser().get("/ui/runs/second").text
