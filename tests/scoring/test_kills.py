"""Workers that are killed, hang, stand still, grow or are worn, under load: what is lost is what a dead one ran."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import secrets
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from faena.kernel import rotating
from faena.scoring.desired import Limits
from faena.scoring.status import State
from tests.examples import long_form
from tests.scoring.pools import Asked, Site, run, site, until

SCRIPT = """
import json, time, os
def init(): pass
def run(raw):
    data = json.loads(raw)
    if data.get("sleep"): time.sleep(data["sleep"])
    if data.get("abort"): os.abort()
    if data.get("grow"): kept.append(bytearray(data["grow"] << 20))
    if data.get("print"): print("x" * 1023); [os.write(1, line * 1024) for _ in range(data["print"])]
    return [data["n"], os.getpid()]
kept = []
line = b"y" * 1023 + b"\\n"
"""


class Load:
    """So many clients, each of which asks again once it is answered, at once or after a rest."""

    def __init__(self, here: Site, clients: int, rest: float = 0.0) -> None:
        self._here = here
        self._rest = rest
        self.answered: list[Asked] = []
        self.on = True
        self._under_way = 0
        for _ in range(clients):
            self._ask()

    def _ask(self) -> None:
        self._under_way += 1
        number = len(self._here.asked)
        self._here.ask(json.dumps({"n": number}), then=self._next)

    def _next(self, asked: Asked) -> None:
        self._under_way -= 1
        self.answered.append(asked)
        if self.on:
            asyncio.get_running_loop().call_later(self._rest, self._ask)

    def has_answered(self, count: int) -> bool:
        return len(self.answered) >= count

    async def end(self) -> None:
        self.on = False
        await until(lambda: self._under_way == 0, "the last requests are answered")

    @property
    def failed(self) -> list[Asked]:
        """And each answer that is right is that of its own request."""
        for asked in self.answered:
            if asked.status == 200:
                assert asked.json[0] == json.loads(asked.request.body)["n"]
        return [asked for asked in self.answered if asked.status != 200]


def kills(folder: Path, wanted: int, number: int) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or secrets.randbits(32))
    print(f"seed {seed}: FAULTS_SEED repeats it")
    chance = random.Random(seed)

    async def test() -> None:
        async with site(folder, SCRIPT, workers=2, limits=Limits(timeout_s=120)) as here:
            load = Load(here, 32)
            done = 0
            while done < wanted:
                more = len(load.answered) + chance.randrange(200)
                await until(partial(load.has_answered, more), "requests are answered")
                await until(lambda: here.pids, "a worker is ready")
                with contextlib.suppress(ProcessLookupError):  # it has just left, and nobody knows yet
                    os.kill(chance.choice(here.pids), number)
                    done += 1
            await load.end()
            failed = load.failed
            print(f"{wanted} kills, {len(load.answered):,} requests, {len(failed)} failed")
            assert len(failed) <= wanted and {asked.status for asked in failed} <= {502}
            assert len(load.answered) > 32 and here.pool.state in (State.HEALTHY, State.UNHEALTHY)
            assert (await here.call('{"n": 1}')).status == 200

    run(test)


@pytest.mark.parametrize("number", [signal.SIGKILL, long_form(signal.SIGTERM)])
@pytest.mark.long
def test_kills_cost_no_more_requests_than_there_are(number: int, tmp_path: Path) -> None:
    kills(tmp_path, 12, number)


@pytest.mark.long
def test_poison_is_given_to_one_worker_only(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, workers=2) as here:
            load = Load(here, 32)
            poison = []
            for number in range(8):
                more = len(load.answered) + 100
                await until(partial(load.has_answered, more), "others are answered")
                poison.append(here.ask('{"n": -1, "abort": 1}', name=f"poison-{number}"))
            await here.answered(*poison)
            await load.end()
            assert [asked.status for asked in poison] == [502] * 8
            assert "killed by SIGABRT" in poison[0].json["message"]
            assert not load.failed
            assert here.log.count("Fatal Python error: Aborted") == 8
            assert sum(slot.restarts.count for slot in here.pool.slots) == 8

    run(test)


def test_who_waits_behind_a_request_that_hangs_goes_elsewhere(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, workers=2, limits=Limits(timeout_s=2.0)) as here:
            load = Load(here, 32, rest=0.02)
            await until(lambda: len(load.answered) > 200, "windows are open")
            hung = here.ask('{"n": -1, "sleep": 1000}', name="hung")
            await here.answered(hung)
            await load.end()
            assert hung.status == 504 and 2.0 <= hung.seconds < 20.0
            assert "run() took longer than 2 s, which is the limit (timeout_seconds)" in hung.json["message"]
            assert not load.failed
            assert "line 6 in run" in here.log, "the log says where it hung"
            told = "[hung] run() took longer than 2 s, the limit (timeout_seconds). It is ended"
            assert here.log.index(told) < here.log.index("line 6 in run")
            assert here.log.count("Fatal") == 0

    run(test)


def test_who_waited_until_there_was_no_time_left_is_told_so(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, limits=Limits(timeout_s=4.0)) as here:
            first = here.ask('{"n": 1, "sleep": 2.5}')
            second = here.ask('{"n": 2, "sleep": 1.9}')
            await here.answered(first, second)
            assert (first.status, second.status) == (200, 504)
            assert "waited for a worker, and run() had not ended 4 s after it came" in second.json["message"]
            assert (await here.call('{"n": 3}')).json[1] == first.json[1], "nobody was ended for it"

    run(test)


def test_a_worker_that_is_stopped_from_outside_costs_what_it_runs(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, workers=2, limits=Limits(timeout_s=2.0)) as here:
            load = Load(here, 16, rest=0.02)
            await until(lambda: len(load.answered) > 200, "windows are open")
            os.kill(here.pids[0], signal.SIGSTOP)
            before = len(load.answered)
            await until(lambda: len(load.answered) > before + 500, "others are answered")
            await until(
                lambda: here.pool.slots[0].restarts.count == 1 or len(load.failed) == 0, "it is ended"
            )
            await asyncio.sleep(2.5)
            await load.end()
            assert len(load.failed) <= 1 and {asked.status for asked in load.failed} <= {504}

    run(test)


def test_a_stopped_worker_that_runs_nothing_goes_on_where_it_was(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, workers=2) as here:
            await here.call('{"n": 0}')
            stopped = here.pids[0]
            os.kill(stopped, signal.SIGSTOP)
            asked = [here.ask(json.dumps({"n": number})) for number in range(1, 20)]
            await here.answered(*asked)
            assert all(each.status == 200 for each in asked)
            assert stopped not in {each.json[1] for each in asked}
            os.kill(stopped, signal.SIGCONT)

            async def answers_again() -> bool:
                return stopped in {(await here.call('{"n": 1, "sleep": 0.01}')).json[1] for _ in range(4)}

            deadline = time.monotonic() + 30
            while not await answers_again():
                assert time.monotonic() < deadline
            assert all(slot.restarts.count == 0 for slot in here.pool.slots)

    run(test)


@pytest.mark.long
def test_a_worker_is_replaced_after_so_many_requests_without_a_loss(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, workers=2, max_requests=200) as here:
            load = Load(here, 32)
            await until(
                lambda: sum(slot.restarts.count for slot in here.pool.slots) >= 4, "four were replaced"
            )
            await load.end()
            assert not load.failed
            await until(lambda: len(here.pool.members) == 2, "those before have left")

    run(test)


@pytest.mark.long
def test_a_worker_that_grows_is_replaced_without_a_loss(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, max_memory_bytes=120 << 20) as here:
            load = Load(here, 8)
            first = here.pids[0]
            grown = here.ask('{"n": -1, "grow": 150}')
            await until(lambda: first not in here.pids and here.pids, "another one has taken over")
            await load.end()
            assert grown.status == 200 and not load.failed
            assert here.pool.snapshot().workers[0].rss_bytes < 120 << 20

    run(test)


def test_a_log_that_grows_without_end_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotating, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(rotating.rotate, "__defaults__", (1 << 20,))

    async def test() -> None:
        async with site(tmp_path, SCRIPT) as here:
            printed = await here.call('{"n": 0, "print": 60}')  # MB
            assert printed.status == 200
            logs = tmp_path / "logs"
            await until(lambda: (logs / "1-0.log").stat().st_size < 2 << 20, "it has been cut")
            assert sum(path.stat().st_size for path in logs.iterdir()) < 10 << 20
            assert (await here.call('{"n": 1}')).status == 200

    run(test)


def test_more_requests_than_may_wait_are_refused(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, limits=Limits(queue=3)) as here:
            await here.call('{"n": 0, "sleep": 0.05}')
            for number in range(8):
                here.ask(json.dumps({"n": number, "sleep": 0.05}))
            await here.answered()
            statuses = sorted(asked.status for asked in here.asked[1:])
            assert statuses == [200] * 4 + [429] * 4
            refused = next(asked for asked in here.asked if asked.status == 429)
            assert b"retry-after" in dict(refused.answer.headers) and "3 requests" in refused.json["message"]

    run(test)


class TestInit:
    def test_one_that_hangs_is_ended_and_says_where(self, tmp_path: Path) -> None:
        script = "import time\ndef init():\n    time.sleep(1000)\ndef run(raw): pass"

        async def test() -> None:
            async with site(tmp_path, script, wait=False, limits=Limits(init_timeout_s=2.0)) as here:
                await until(lambda: here.pool.state == State.FAILED, "the revision has failed")
                error = here.pool.snapshot().error
                assert error is not None and "init() took longer than 2 s" in error.message
                assert error.signal == "SIGKILL" and "line 3 in init" in here.log

        run(test)

    def test_one_that_fails_at_times_comes_up_in_the_end(self, tmp_path: Path) -> None:
        script = """
import os
def init():
    open("tries", "a").write("x")
    if len(open("tries").read()) < 3: raise OSError("not yet")
def run(raw): return 1
"""

        async def test() -> None:
            async with site(tmp_path, script) as here:
                assert (await here.call()).json == 1
                assert here.pool.error is None

        run(test)

    def test_one_that_works_no_more_leaves_the_others_at_work(self, tmp_path: Path) -> None:
        script = """
import os
def init():
    if os.path.exists("broken"): raise OSError("the model is gone")
def run(raw): return os.getpid()
"""

        async def test() -> None:
            async with site(tmp_path, script, workers=2) as here:
                (tmp_path / "app" / "broken").touch()
                os.kill(here.pids[0], signal.SIGKILL)
                await until(lambda: here.pool.error is not None, "its restart has failed")
                assert here.pool.state == State.HEALTHY
                assert here.pool.error is not None and "the model is gone" in here.pool.error.message
                assert (await here.call()).status == 200
                (tmp_path / "app" / "broken").unlink()
                await until(lambda: here.pool.whole, "it has come back")
                assert here.pool.error is None

        run(test)


def test_a_pool_that_is_drained_answers_all_and_leaves_nobody(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT, workers=2) as here:
            for number in range(60):
                here.ask(json.dumps({"n": number, "sleep": 0.01}))
            pids = here.pids
            await here.pool.drain()
            assert [asked.json[0] for asked in here.asked] == list(range(60))
            assert not here.pool.members and not any(Path(f"/proc/{pid}").exists() for pid in pids)
            assert all(slot.restarts.count == 0 for slot in here.pool.slots)

    run(test)


def test_a_worker_that_sends_what_is_no_answer_is_ended_alone(tmp_path: Path) -> None:
    script = """
import os, json
def init():
    global channel
    channel = max(int(name) for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)
                  and os.readlink("/proc/self/fd/" + name).startswith("socket"))
def run(raw):
    if raw == "bad": os.write(channel, b"nonsense" * 100)
    return 1
"""

    async def test() -> None:
        async with site(tmp_path, script, workers=2) as here:
            here.ask("bad")
            for _ in range(20):
                here.ask("1")
            await here.answered()
            assert [asked.status for asked in here.asked[1:]] == [200] * 20
            await until(
                lambda: here.pool.slots[0].restarts.count + here.pool.slots[1].restarts.count, "it was ended"
            )
            assert "sent what is no answer" in here.log

    run(test)
