"""Runs that wait for an environment: one build for all, its log, and how they go on. The builder is the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from faena.compute import store as compute
from faena.compute.model import Cluster, Node, NodeState
from faena.compute.waiting import Gpu
from faena.db import Write
from faena.environments import store as locks
from faena.environments.model import Interpreter, Lock
from faena.environments.service import ReadyEnvironment
from faena.kernel.errors import EnvironmentBuildException, FaenaError
from faena.kernel.notifications import Notifications
from faena.runs import attempt_store, build_queue, service, store
from faena.runs.engine import prepare
from faena.runs.engine.loop import Engine
from faena.runs.engine.prepare import NEW_LOCK, Preparation
from faena.runs.model import AttemptState, RunStatus
from faena.runs.submission_schemas import Submission
from faena.testing.clock import ManualClock
from faena.tracking import query
from faena.tracking.ingest import logs_topic
from faena.workspaces import store as workspaces
from tests.databases import Databases
from tests.runs.test_queue import a_run

LOG = "azureml-logs/20_image_build_log.txt"
LOCK = Lock(Interpreter("/usr/bin/python3", "3.11.2", "CPython"), "linux-x86_64-glibc2.36", "", (), "0" * 64)
READY = ReadyEnvironment(LOCK, "/envs/one/bin/python")


class Builder:
    """In the place of a builder process: it ends when it is told how."""

    made: list[Builder]

    def __init__(self, spec: Any, folder: Path, *, lock: Lock | None = None, **_: object) -> None:
        self.lock = lock
        self.folder = folder
        self.log = folder / "build.log"
        self._ended = asyncio.Event()
        self._looks = asyncio.Event()
        Builder.made.append(self)

    async def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")

    async def wait(self, timeout: float) -> bool:
        self._looks.set()
        await asyncio.sleep(0.001)
        return self._ended.is_set()

    async def looked(self, times: int = 3) -> None:
        """Until the log was brought to whom it is brought now."""
        for _ in range(times):
            self._looks.clear()
            await asyncio.wait_for(self._looks.wait(), 30)

    def say(self, text: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(text)

    def end(self, result: ReadyEnvironment | FaenaError) -> None:
        self._result = result
        self._ended.set()

    def result(self) -> ReadyEnvironment | FaenaError | None:
        return self._result


@pytest.fixture(autouse=True)
def builders(monkeypatch: pytest.MonkeyPatch) -> list[Builder]:
    Builder.made = []
    monkeypatch.setattr(prepare, "Build", Builder)
    monkeypatch.setattr(prepare, "find", lambda wanted: None)
    return Builder.made


class Scene:
    def __init__(self, folder: Path, databases: Databases) -> None:
        self.notifications = Notifications()
        notify = self.notifications.notify_from_thread
        self.database = databases.open(folder / "faena.db", on_commit=notify)
        self.clock = ManualClock()
        self.preparation = Preparation(self.database, self.notifications, folder / "builds", self.clock)

    async def submit(self, count: int, *, first: int = 0, known: bool = True, **changes: Any) -> list[str]:
        names = [f"run-{number:05d}" for number in range(first, first + count)]

        def add(write: Write) -> None:
            workspaces.create_experiment(write, "e", 0)
            for number, name in enumerate(names):
                run = msgspec.structs.replace(
                    a_run(name, "e", number, "cpu", Gpu.NONE, 1), status=RunStatus.NOT_STARTED
                )
                submission = msgspec.json.decode(run.submission, type=Submission)
                wanted = msgspec.structs.replace(submission.environment, packages=("thing==1.0",))
                submission = msgspec.structs.replace(submission, environment=wanted, **changes)
                run = msgspec.structs.replace(run, submission=msgspec.json.encode(submission), queued_at=None)
                service.add(write, run, {}, {})
                if known:
                    prepare.await_build(write, run, prepare.wanted_by(write, run), self.clock.now())

        await self.database.write(add)
        return names

    async def building(self, count: int = 1) -> Builder:
        """Look; the builder that was started last, once so many were."""
        await self.preparation.step()
        while len(Builder.made) < count:
            await asyncio.sleep(0.005)
        await Builder.made[-1].looked(1)
        return Builder.made[-1]

    async def settled(self) -> None:
        """Until the builds that have ended have been told of."""
        while self.preparation.is_busy:
            await asyncio.sleep(0.005)

    async def having(self, status: RunStatus) -> list[str]:
        asked = (
            sa.select(store.runs.c.id).where(store.runs.c.status == status.value).order_by(store.runs.c.id)
        )
        return list(await self.database.read(lambda read: read.execute(asked).scalars().all()))

    async def view(self, run_id: str) -> Any:
        return await self.database.read(lambda read: service.view(read, service.get(read, run_id)))

    async def log(self, run_id: str) -> bytes:
        def read_log(read: Any) -> bytes:
            there = [log.name for log in query.logs(read, run_id)]
            return query.log_text(read, None, run_id, LOG).data if LOG in there else b""

        return await self.database.read(read_log)

    async def damage(self, run_id: str, submission: bytes) -> None:
        changed = sa.update(store.runs).where(store.runs.c.id == run_id).values(submission=submission)
        await self.database.write(lambda write: write.execute(changed) and None)


def played(
    folder: Path, scenario: Callable[[Scene], Awaitable[None]], databases: Databases | None = None
) -> None:
    """`databases`: SQLite's unless told."""

    async def play(opened: Databases) -> None:
        scene = Scene(folder, opened)
        try:
            await asyncio.wait_for(scenario(scene), 120)
        finally:
            for task in scene.preparation._builds.values():
                task.cancel()

    with databases or Databases(None) as opened:
        asyncio.run(play(opened))


def test_one_build_for_all_and_all_go_on_with_its_whole_log(
    tmp_path: Path, builders: list[Builder], databases: Databases
) -> None:
    async def scenario(scene: Scene) -> None:
        names = await scene.submit(250)
        build = await scene.building()
        build.say(b"Resolved 1 package\n")
        await build.looked()
        await scene.preparation.step()
        late = await scene.submit(3, first=250)
        build.say(b"Installed 1 package\n")
        build.end(READY)
        await scene.settled()
        assert await scene.having(RunStatus.QUEUED) == names + late
        for name in (names[0], names[120], names[249], late[2]):
            assert await scene.log(name) == b"Resolved 1 package\nInstalled 1 package\n"
        view = await scene.view(names[0])
        assert (view.lock, view.python) == (LOCK.digest, READY.python)
        assert [phase.name for phase in view.phases] == ["NotStarted", "Preparing", "Queued"]
        assert await scene.database.read(build_queue.builds) == []
        assert len(builders) == 1

    played(tmp_path, scenario, databases)


def test_who_follows_sees_the_log_as_it_comes_whatever_waits_before(
    tmp_path: Path, builders: list[Builder]
) -> None:
    async def scenario(scene: Scene) -> None:
        names = await scene.submit(300)
        build = await scene.building()
        with scene.notifications.subscribe(logs_topic(names[299])) as subscription:
            build.say(b"one\n")
            assert await subscription.wait(60)
            assert await scene.log(names[299]) == b"one\n"
            build.say(b"two\n")
            assert await subscription.wait(60)
            assert await scene.log(names[299]) == b"one\ntwo\n"

    played(tmp_path, scenario)


def test_who_asks_gets_all_that_was_said_and_nobody_else_does(
    tmp_path: Path, builders: list[Builder], databases: Databases
) -> None:
    async def scenario(scene: Scene) -> None:
        names = await scene.submit(20)
        build = await scene.building()
        build.say(b"one\n")
        await build.looked()
        await scene.preparation.bring_log(names[7])
        assert await scene.log(names[7]) == b"one\n"
        build.say(b"two\n")
        await scene.preparation.bring_log(names[7])
        await scene.preparation.bring_log("nobody")
        assert await scene.log(names[7]) == b"one\ntwo\n"
        assert await scene.log(names[6]) == b""

    played(tmp_path, scenario, databases)


@pytest.mark.long
def test_a_thousand_that_wait_cost_nothing_whatever_the_build_says(
    tmp_path: Path, builders: list[Builder]
) -> None:
    async def scenario(scene: Scene) -> None:
        names = await scene.submit(1000)
        build = await scene.building()
        asked: list[str] = []

        def counted(name: str) -> None:
            real = getattr(scene.database, name)

            async def counting(work: Callable[[Any], Any]) -> Any:
                asked.append(name)
                return await real(work)

            setattr(scene.database, name, counting)

        for name in ("read", "read_first", "write"):
            counted(name)
        for number in range(20):
            build.say(f"line {number}\n".encode())
            await build.looked(1)
        assert asked == []
        with scene.notifications.subscribe(logs_topic(names[500])) as subscription:
            assert await subscription.wait(60)
        assert 0 < asked.count("write") < 10

    played(tmp_path, scenario)


def test_a_build_that_fails_ends_all(tmp_path: Path, builders: list[Builder]) -> None:
    async def scenario(scene: Scene) -> None:
        names = await scene.submit(150)
        await scene.building()
        builders[0].say(b"no such package\n")
        builders[0].end(EnvironmentBuildException("There is no thing==1.0."))
        await scene.settled()
        assert await scene.having(RunStatus.FAILED) == names
        assert (await scene.view(names[149])).error.message == "There is no thing==1.0."
        assert await scene.log(names[149]) == b"no such package\n"

    played(tmp_path, scenario)


def test_where_a_lock_cannot_be_built_it_is_resolved_for_those_who_let_it(
    tmp_path: Path, builders: list[Builder], databases: Databases
) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.database.write(lambda write: locks.put(write, LOCK, 0))
        [exact] = await scene.submit(1, lock=LOCK.digest, exact=True)
        [loose] = await scene.submit(1, first=1, lock=LOCK.digest)
        await scene.building()
        assert [build.lock for build in builders] == [LOCK]
        builders[0].end(EnvironmentBuildException("It cannot be built here."))
        await scene.settled()
        assert await scene.having(RunStatus.FAILED) == [exact]
        assert await scene.having(RunStatus.PREPARING) == [loose]
        await scene.building(2)
        assert [build.lock for build in builders] == [LOCK, None]
        builders[1].end(READY)
        await scene.settled()
        assert await scene.having(RunStatus.QUEUED) == [loose]
        assert [note.code for note in (await scene.view(loose)).notes] == [NEW_LOCK]

    played(tmp_path, scenario, databases)


@pytest.mark.few(3)
@pytest.mark.parametrize("submission", [b"{", b"", b'{"experiment": 3}', b"\xff" * 100])
@pytest.mark.parametrize("known", [True, False])
def test_one_that_cannot_be_read_concerns_itself_alone(
    tmp_path: Path, builders: list[Builder], submission: bytes, known: bool
) -> None:
    async def scenario(scene: Scene) -> None:
        bad, good = await scene.submit(2, known=known)
        await scene.damage(bad, submission)
        await scene.building()
        builders[0].end(READY)
        await scene.settled()
        await scene.preparation.step()
        assert await scene.having(RunStatus.QUEUED) in ([good], [bad, good])  # placing looks at it, too
        if not known:
            assert await scene.having(RunStatus.FAILED) == [bad]
            assert "cannot be read" in (await scene.view(bad)).error.message

    played(tmp_path, scenario)


def test_a_build_of_none_that_can_be_read_ends_them(tmp_path: Path, builders: list[Builder]) -> None:
    async def scenario(scene: Scene) -> None:
        bad, worse = await scene.submit(2)
        await scene.damage(bad, b"{")
        await scene.damage(worse, b"")
        await scene.preparation.step()
        assert await scene.having(RunStatus.FAILED) == [bad, worse]
        assert builders == []

    played(tmp_path, scenario)


class NoNodes:
    """A backend of nodes that were started by somebody else and live for ever."""

    def __init__(self, *nodes: str) -> None:
        self._nodes = set(nodes)

    def start(self, node: str) -> int | None:
        self._nodes.add(node)
        return None

    def alive(self) -> set[str]:
        return set(self._nodes)

    def tend(self, name: str, arguments: Sequence[str]) -> None:
        pass

    def forget(self, node: str) -> None:
        pass


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE attempts SET outcome = '{'",
        "UPDATE attempts SET state = 'asleep'",
        "UPDATE attempts SET outcome = '{\"reason\": \"whim\"}', state = 'ended'",
        "UPDATE nodes SET state = 'asleep' WHERE id = 'node-1'",
        "UPDATE clusters SET max_nodes = 0 WHERE name = 'other'",
        "UPDATE clusters SET cores_per_node = 'all' WHERE name = 'other'",
        "UPDATE runs SET submission = '{' WHERE id = 'run-00000'",
        "UPDATE runs SET status = 'Asleep' WHERE id = 'run-00000'",
    ],
)
def test_a_damaged_row_keeps_the_engine_from_no_other_run(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "find", lambda wanted: READY)

    async def scenario(scene: Scene) -> None:
        first, second, third, running = await scene.submit(4)

        def fill(write: Write) -> None:
            for name in ("cpu", "other"):
                compute.put_cluster(write, Cluster(name, 0, 2, 600.0, 1, 0, 0))
            locks.put(write, LOCK, 0)
            for number in (1, 2):
                compute.add_node(write, Node(f"node-{number}", "cpu", NodeState.IDLE, None, number))
            store.update(write, running, {"status": RunStatus.RUNNING.value, "attempt": 1, "build": None})
            attempt_store.add_attempt(write, running, 1, 0, "node-1", AttemptState.STARTED)
            held = Node("node-1", "cpu", NodeState.RUNNING, None, 1, running, 1)
            compute.assign_all(write, [held], 1)
            write.execute(sa.text(damage))

        await scene.database.write(fill)
        backend = NoNodes("node-1", "node-2")
        engine = Engine(
            scene.database,
            backend,
            scene.notifications,
            scene.clock,
            attempts=tmp_path / "attempts",
            builds=tmp_path / "builds",
        )
        for _ in range(4):
            await engine.step()
        [started] = await scene.having(RunStatus.STARTING)
        assert started in (first, second, third)

    played(tmp_path, scenario)
