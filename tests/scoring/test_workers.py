"""Workers and their pool, by requests that come without HTTP."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faena.scoring.status import State
from tests.examples import long_form
from tests.scoring.pools import lives, run, site, until
from tests.script.conftest import TODAY, find_interpreter


@pytest.mark.parametrize("version", TODAY)
def test_a_script_answers_in_each_python(version: str, tmp_path: Path) -> None:
    python = find_interpreter(version)
    if python is None:
        pytest.skip(f"no CPython {version} on this machine")
    script = """
import json, sys, os
def init():
    global model
    model = {"version": sys.version.split()[0], "stdin": sys.stdin.read(), "cwd": os.getcwd(), "path": sys.path[0]}
    print("loaded")
def run(raw):
    print("asked for", raw)
    return [model, json.loads(raw)]
"""

    async def test() -> None:
        async with site(tmp_path, script, python=python) as here:
            asked = await here.call('{"data": [7]}', name="r-1")
            model, data = asked.json
            app = str(tmp_path / "app")
            assert asked.status == 200 and data == {"data": [7]}
            assert model["version"].startswith(version) and model["stdin"] == ""
            assert model["cwd"] == app and model["path"] == app
            assert dict(asked.answer.headers)[b"x-ms-run-function-failed"] == b"False"
            assert here.log.splitlines() == ["loaded", '[r-1] asked for {"data": [7]}']

    run(test)


def test_what_run_raises_is_the_answer_and_in_the_log(tmp_path: Path) -> None:
    script = """
import sys, json
def init(): pass
def run(raw):
    if raw == "exit": sys.exit(3)
    if raw == "deep": return json.loads("[" * 100000)
    if raw == "object": return object()
    return {"data": json.loads(raw)["data"]}
"""

    async def test() -> None:
        async with site(tmp_path, script) as here:
            raised = await here.call("{}", name="first")
            assert raised.status == 500 and raised.answer.body == b"KeyError: 'data'"
            assert dict(raised.answer.headers)[b"x-ms-run-function-failed"] == b"True"
            assert "[first] KeyError: 'data'" in here.log and "entry.py" not in here.log
            assert (await here.call("exit")).answer.body == b"sys.exit(3) was called"
            assert (await here.call("deep")).status == 500
            strange = await here.call("object")
            assert (
                strange.status == 500 and b"run() returned object, which is not JSON" in strange.answer.body
            )
            assert (await here.call('{"data": 1}')).json == {"data": 1}
            assert len(here.pids) == 1 and here.pool.slots[0].restarts.count == 0

    run(test)


def test_many_requests_at_once_are_each_answered_once_and_by_their_own_answer(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, workers=2) as here:
            for number in range(900):
                here.ask(json.dumps({"data": number}))
            await here.answered()
            assert [asked.json["data"] for asked in here.asked] == list(range(900))

    run(test)


@pytest.mark.long
def test_bodies_and_answers_of_any_length(tmp_path: Path) -> None:
    script = """
def init(): pass
def run(raw):
    return len(raw) if raw[0] == "x" else "y" * int(raw)
"""

    async def test() -> None:
        async with site(tmp_path, script) as here:
            lengths = [1, 4096, 65536, 262_143, 262_144, 1 << 20, 30_000_000]
            for length in lengths:
                here.ask("x" * length)
                here.ask(str(length))
            await here.answered()
            for length, asked, told in zip(lengths, here.asked[::2], here.asked[1::2], strict=True):
                assert asked.json == length
                assert len(told.answer.body) == length + 2

    run(test)


def test_a_worker_that_dies_costs_the_request_that_it_runs_alone(tmp_path: Path) -> None:
    script = """
import os, json, signal
def init(): pass
def run(raw):
    data = json.loads(raw)
    if data == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if data == "exit": os._exit(7)
    return data
"""

    async def test() -> None:
        async with site(tmp_path, script) as here:
            for number in range(100):
                here.ask(str(number))
            await here.answered()  # by now it is sent several at a time
            for number in range(300):
                here.ask({100: '"kill"', 200: '"exit"'}.get(number, str(number)))
            await here.answered()
            statuses = [asked.status for asked in here.asked[100:]]
            assert statuses[100] == statuses[200] == 502
            assert [status for status in statuses if status != 200] == [502, 502]
            killed, left = here.asked[200], here.asked[300]
            assert b"was killed by SIGKILL while it ran the request" in killed.answer.body
            assert b"ended with exit code 7" in left.answer.body

    run(test)


def test_nothing_outlives_a_worker(tmp_path: Path) -> None:
    script = """
import os, subprocess, sys
def init(): pass
def run(raw):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
    if raw == "die": open("pid", "w").write(str(child.pid)); os._exit(1)
    return child.pid
"""

    async def test() -> None:
        async with site(tmp_path, script) as here:
            child = (await here.call("live")).json
            assert lives(child)
            assert (await here.call("die")).status == 502
            other = int((tmp_path / "app" / "pid").read_text())
            await until(lambda: not lives(child) and not lives(other), "the children have gone")

    run(test)


def test_workers_end_with_their_front(tmp_path: Path) -> None:
    front = """
import asyncio, os, sys
from pathlib import Path
from tests.scoring.pools import site
async def main():
    async with site(Path(sys.argv[1])) as here:
        print(here.pids[0], here.pool.members[0].process.guard, flush=True)
        await asyncio.sleep(1000)
asyncio.run(main())
"""
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", front, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        assert len(pids) == 2 and all(lives(pid) for pid in pids)
        process.kill()

    async def test() -> None:
        await until(lambda: not any(lives(pid) for pid in pids), "worker and guard have gone")

    run(test)


class TestBeginning:
    @pytest.mark.few(1)
    @pytest.mark.parametrize(
        ("script", "said", "code"),
        [
            ("def init(): raise ValueError('no model')\ndef run(raw): pass", "ValueError: no model", 1),
            long_form("import sys\ndef init(): sys.exit(5)\ndef run(raw): pass", "sys.exit(5) was called", 5),
            (
                "import os\ndef init(): os._exit(9)\ndef run(raw): pass",
                "exit code 9 before init() had returned",
                9,
            ),
            long_form("import nothing_of_that_name", "No module named 'nothing_of_that_name'", 1),
            long_form("def init(:", "SyntaxError", 1),
            ("def init(): pass", "defines no function run", 1),
            long_form("def run(raw): pass", "defines no function init", 1),
        ],
    )
    def test_what_cannot_begin_has_failed_and_says_why(
        self, script: str, said: str, code: int, tmp_path: Path
    ) -> None:
        async def test() -> None:
            async with site(tmp_path, script, wait=False) as here:
                early = here.ask()
                await until(lambda: here.pool.state == State.FAILED, "the revision has failed")
                error = here.pool.snapshot().error
                assert error is not None and said in error.message and error.exit_code == code, error
                if "ValueError" in said:
                    assert error.traceback is not None and "in init" in error.traceback
                assert (said if "sys.exit" not in said else "SystemExit: 5") in here.log
                late = here.ask()
                await here.answered()
                assert early.status == late.status == 503 and said in late.json["message"]

        run(test)

    def test_a_signal_in_init_is_named(self, tmp_path: Path) -> None:
        script = "import os\ndef init(): os.kill(os.getpid(), 11)\ndef run(raw): pass"

        async def test() -> None:
            async with site(tmp_path, script, wait=False) as here:
                await until(lambda: here.pool.state == State.FAILED, "the revision has failed")
                error = here.pool.snapshot().error
                assert error is not None and error.signal == signal.SIGSEGV.name and error.exit_code is None
                assert "Segmentation fault" in here.log and "in init" in here.log

        run(test)

    def test_an_interpreter_that_is_not_there(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with site(tmp_path, wait=False, python="/nowhere/python") as here:
                await until(lambda: here.pool.state == State.FAILED, "the revision has failed")
                error = here.pool.snapshot().error
                assert error is not None and "/nowhere/python" in error.message

        run(test)
