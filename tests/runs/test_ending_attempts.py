"""A runner ends a run and hears what to do next in one exchange, which may be repeated, by another one, too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

import faena
from faena.compute import store as compute
from faena.compute.machines import store as machines
from faena.compute.machines.model import Machine, Told
from faena.compute.model import Cluster, Node, NodeState
from faena.db import Database, Read, Write
from faena.kernel import settings
from faena.kernel.notifications import Notifications
from faena.objects.files import FolderObjects
from faena.objects.service import Objects
from faena.runs import attempt_store, phase_store, record_store, service
from faena.runs.engine import attempts, batches, elsewhere, file_routes
from faena.runs.engine.attempts import Progress
from faena.runs.engine.batches import ClosingHeader, Rank, ShipHeader
from faena.runs.engine.held_answers import HeldAnswers
from faena.runs.engine.scheduling import Placement
from faena.runs.engine.services import Closed, RunnerServices
from faena.runs.model import SCRIPT_RUN, EndReason, Outcome, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.testing.clock import ManualClock
from faena.tracking import files as run_files
from faena.tracking import ingest, query
from faena.tracking.model import Limits, StoredFile
from faena.workspaces import store as workspaces
from faena.workspaces.model import WorkspaceFolder
from tests.tracking.frames import event

NODE = "node-1"
LOG = "log/azureml-logs/70_driver_log.txt"
COMPLETED = {"reason": "completed", "message": "", "exit_code": 0}


@dataclass(frozen=True, slots=True)
class House:
    database: Database
    closing: RunnerServices
    clock: ManualClock

    async def queue(self, run_id: str) -> None:
        await self.database.write(partial(_add_run, run_id=run_id, now=self.clock.now()))

    async def place(self) -> None:
        await self.database.write(lambda write: Placement(self.clock).step(write))

    async def close(self, key: Rank, offset: int, text: bytes, node: str = NODE, **ending: Any) -> Closed:
        head = {"segments": [[LOG, offset, len(text)]], "closing": True, "outcome": COMPLETED, **ending}
        data = json.dumps(head).encode()
        batch = len(data).to_bytes(4, "little") + data + text
        return await self.closing.close(key, *batches.split(batch, ClosingHeader), node)

    async def tag(self, key: Rank, tags: dict[str, str]) -> None:
        """As its script does."""
        data = b"".join(event("tag", key=tag, value=value) for tag, value in tags.items())
        header = ShipHeader([("spool/7-0a1b2c3d", 0, len(data))])
        await self.database.write(
            lambda write: batches.append(write, key, header, data, self.clock.now(), Limits(None))
        )

    async def keep(self, key: Rank, **outputs: str) -> list[str]:
        """Outputs by name, as digests; those that are not kept."""
        stored = {f"outputs/{name}": StoredFile(digest, 1) for name, digest in outputs.items()}
        refused = await self.database.write(
            lambda write: file_routes.keep(write, key, stored, self.clock.now())
        )
        return sorted(refused)

    async def run(self, run_id: str) -> Run:
        return await self.database.read(lambda read: service.get(read, run_id))

    async def phases(self, run_id: str) -> list[tuple[str, int]]:
        """Names, and when they began."""
        rows = await self.database.read(lambda read: phase_store.list_phases(read, run_id))
        return [(row.name, row.started_at) for row in rows]

    async def notes(self, run_id: str) -> list[tuple[str, str]]:
        return await self.database.read(lambda read: list(record_store.list_notes(read, run_id)))

    async def log(self, run_id: str) -> bytes:
        def read_log(read: Read) -> bytes:
            return query.log_text(read, self.closing.objects.files, run_id, LOG.removeprefix("log/")).data

        return await self.database.read(read_log)


def in_house(tmp_path: Path, story: Callable[[House], Awaitable[None]]) -> None:
    async def scenario() -> None:
        clock, notifications = ManualClock(), Notifications()
        database = Database(tmp_path / "faena.db", on_commit=notifications.notify_from_thread)
        folder = WorkspaceFolder(tmp_path, "ws", "test")
        objects = Objects(FolderObjects(folder.objects), database, clock)
        closing = RunnerServices(
            database,
            objects,
            notifications,
            clock,
            Limits(None),
            folder,
            Placement(clock),
            HeldAnswers(notifications),
        )
        try:
            await database.write(lambda write: _add_node(write, clock))
            await story(House(database, closing, clock))
        finally:
            database.close()

    asyncio.run(scenario())


def _add_node(write: Write, clock: ManualClock) -> None:
    now = clock.now()
    compute.put_cluster(write, Cluster("cpu", 1, 1, 120.0, 1, now, now))
    compute.add_node(write, Node(NODE, "cpu", NodeState.IDLE, None, now))
    workspaces.create_experiment(write, "exp", now)


def _add_run(write: Write, run_id: str, now: int) -> None:
    submission = Submission(experiment="exp", snapshot="0" * 64, script="train.py", cluster="cpu")
    run = Run(
        id=run_id,
        experiment="exp",
        number=workspaces.next_run_number(write, "exp"),
        status=RunStatus.QUEUED,
        version=1,
        user="",
        cluster="cpu",
        node_count=1,
        snapshot=submission.snapshot,
        submission=msgspec.json.encode(submission),
        created_at=now,
        queued_at=now,
        parent=None,
        type=SCRIPT_RUN,
    )
    service.add(write, run, {}, {})


def test_everything_of_a_short_run_is_said_at_once_and_may_be_said_again(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        started = house.clock.now()
        house.clock.advance(2.0)
        told = {"code": "note", "message": "it is so"}
        for _ in range(2):
            closed = await house.close(Rank("one", 1, 0), 0, b"hello\n", started_at=started, notes=[told])
            assert (closed.kept, closed.sealed, closed.next) == (True, True, {})
        run = await house.run("one")
        assert (run.status, run.started_at) == (RunStatus.COMPLETED, started)
        phases = await house.database.read(lambda read: phase_store.list_phases(read, "one"))
        assert [phase.name for phase in phases] == ["Queued", "Starting", "Running", "Finalizing"]
        assert phases[2].started_at == started
        assert await house.log("one") == b"hello\n"
        notes = await house.database.read(lambda read: record_store.list_notes(read, "one"))
        assert notes == [("note", "it is so")]
        node = await house.database.read(lambda read: compute.node(read, NODE))
        assert node is not None
        assert node.state is NodeState.IDLE

    in_house(tmp_path, story)


def test_the_answer_may_be_asked_for_again_once_the_node_has_the_next_run(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        await house.close(Rank("one", 1, 0), 0, b"1")
        await house.queue("two")
        repeated = await house.close(Rank("one", 1, 0), 0, b"1")
        assert repeated.next["order"]["run_id"] == "two"
        assert (await house.run("two")).status is RunStatus.STARTING
        assert await house.log("one") == b"1"

    in_house(tmp_path, story)


def test_nothing_happens_where_bytes_before_those_sent_are_missing(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        assert await house.close(Rank("one", 1, 0), 5, b"later", started_at=1) == Closed(kept=False)
        assert (await house.run("one")).status is RunStatus.STARTING
        assert (await house.close(Rank("one", 1, 0), 0, b"first", started_at=1)).kept

    in_house(tmp_path, story)


def test_an_old_attempt_delivers_bytes_but_no_state(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        lost = {"reason": "node_lost", "message": "The node's runner died before the script started."}
        await house.close(Rank("one", 1, 0), 0, b"", node="", outcome=lost)
        await house.place()
        assert (await house.run("one")).attempt == 2
        before = await house.run("one")
        await house.close(Rank("one", 1, 0), 0, b"late\n", node="", started_at=house.clock.now())
        assert msgspec.structs.replace(await house.run("one"), version=before.version) == before
        assert await house.log("one") == b"late\n"

    in_house(tmp_path, story)


def test_a_node_that_is_to_leave_hears_it_with_its_last_end(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        await house.database.write(lambda write: compute.remove_node(write, _node(write), house.clock.now()))
        assert (await house.close(Rank("one", 1, 0), 0, b"")).next == {"leave": True, "why": "lost"}

    in_house(tmp_path, story)


def test_an_order_names_digests_and_holds_no_path_of_the_servers_host(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        await house.queue("two")
        order = (await house.close(Rank("one", 1, 0), 0, b"")).next["order"]
        assert order["snapshot"] == "0" * 64
        said = json.dumps(order)
        for folder in (tmp_path, settings.home_path(), Path(faena.__file__).parent):
            assert str(folder) not in said

    in_house(tmp_path, story)


def _node(read: Read) -> Node:
    found = compute.node(read, NODE)
    assert found is not None
    return found


def test_what_an_old_attempt_brings_replaces_nothing(tmp_path: Path) -> None:
    """Its node was cut off for so long that the run went on elsewhere, and has ended there."""

    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        first, second = Rank("one", 1, 0), Rank("one", 2, 0)
        lost = Outcome(EndReason.NODE_LOST, "The node was lost before the script started.")
        await house.database.write(
            lambda write: attempts.give_up(write, "one", 1, 0, lost, house.clock.now())
        )
        await house.place()
        await house.tag(second, {"state": "new"})
        assert await house.keep(second, model="a" * 64) == []
        await house.close(second, 0, b"new\n", started_at=house.clock.now())
        before = await house.run("one")
        assert (before.status, before.attempt) == (RunStatus.COMPLETED, 2)

        await house.tag(first, {"state": "old", "began": "then"})
        assert await house.keep(first, model="0" * 64, notes="1" * 64) == ["outputs/model"]
        fenced = {"reason": "node_lost", "message": "The node had no word from the server for 50 s."}
        for _ in range(2):
            closed = await house.close(first, 0, b"old\n", outcome=fenced, started_at=house.clock.now())
            assert closed.kept
        assert msgspec.structs.replace(await house.run("one"), version=before.version) == before
        tags = await house.database.read(lambda read: record_store.tags_of(read, "one"))
        assert tags == {"state": "new", "began": "then"}
        files = await house.database.read(lambda read: run_files.files(read, "one", "outputs/"))
        assert {file.name: file.digest[0] for file in files} == {"outputs/model": "a", "outputs/notes": "1"}
        offsets = await house.database.read(lambda read: ingest.offsets(read, "one", 1, 0))
        assert offsets[LOG] == len(b"old\n")

    in_house(tmp_path, story)


def test_what_comes_after_a_node_was_lost_in_the_end_is_told(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        now = house.clock.now()

        def lose(write: Write) -> None:
            attempts.Progress.find(write, "one", 1, 0).ended(Outcome(EndReason.COMPLETED), now)
            (attempt,) = attempt_store.ranks(write, "one", 1)
            elsewhere.lose(write, attempt, now)

        await house.database.write(lose)
        await house.keep(Rank("one", 1, 0), model="a" * 64)
        for _ in range(2):
            assert (await house.close(Rank("one", 1, 0), 0, b"late\n", started_at=now)).kept
        notes = await house.database.read(lambda read: dict(record_store.list_notes(read, "one")))
        assert notes["left_on_node"].endswith("What the script left has come since.")
        assert (await house.run("one")).status is RunStatus.COMPLETED
        assert await house.log("one") == b"late\n"

    in_house(tmp_path, story)


def test_the_clock_of_another_machine_is_no_time_of_a_run(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        shed = Machine("machine-1", "cpu", "shed", "0" * 64, NODE, Told(1), False, 0, 0)
        await house.database.write(lambda write: machines.add(write, shed))
        for run_id, wrong in (("early", -3_600_000_000), ("late", 3_600_000_000)):
            await house.queue(run_id)
            await house.place()
            placed = house.clock.now()
            house.clock.advance(2)
            began = house.clock.now()
            house.clock.advance(1)
            now = house.clock.now()

            def start(
                write: Write, run_id: str = run_id, off: int = wrong, began: int = began, now: int = now
            ) -> None:
                elsewhere_now = attempt_store.attempts.update().values(machine="machine-1")
                write.execute(elsewhere_now.where(attempt_store.attempts.c.run_id == run_id))
                Progress.find(write, run_id, 1, 0).started(began + off, now, now + off)

            await house.database.write(start)
            run = await house.run(run_id)
            assert placed < began == run.started_at
            assert (await house.phases(run_id))[-2:] == [("Starting", placed), ("Running", began)]
            ((code, message),) = await house.notes(run_id)
            assert code == "node_clock"
            assert f"node shed is 60 minutes {'ahead of' if wrong > 0 else 'behind'} the server's" in message
            await house.close(Rank(run_id, 1, 0), 0, b"")

    in_house(tmp_path, story)


@pytest.mark.parametrize("off", [-3_600_000_000, 3_600_000_000])
def test_nor_is_that_of_the_servers_own_host_where_processes_have_one_clock(tmp_path: Path, off: int) -> None:
    async def story(house: House) -> None:
        await house.queue("one")
        await house.place()
        house.clock.advance(2)
        began = house.clock.now()
        house.clock.advance(1)
        now = house.clock.now()
        await house.database.write(
            lambda write: Progress.find(write, "one", 1, 0).started(began + off, now, now + off)
        )
        assert (await house.run("one")).started_at == began
        assert await house.notes("one") == []
        await house.close(Rank("one", 1, 0), 0, b"")

    in_house(tmp_path, story)
