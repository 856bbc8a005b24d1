"""Scoring scripts that do to their process what they should not: the next request is answered all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scoring.pools import run, site
from tests.script.conftest import find_interpreter

SCRIPT = """
import atexit, json, os, signal, sys, threading, time
def init():
    def turn():
        while True: time.sleep(0.05)
    threading.Thread(target=turn).start()
    atexit.register(lambda: open("ended", "a").write("%d\\n" % os.getpid()))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD): signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_DFL)
def run(raw):
    name, number = json.loads(raw)
    exec(do[name], globals())
    return [number, os.getpid()]
do = {
    "stdin": "assert sys.stdin.read() == ''",
    "close stdout": "sys.stdout.close(); sys.stderr.close()",
    "no streams": "sys.stdout = sys.stderr = None; print('to nobody')",
    "raise": "raise ValueError('after that')",
    "close 1": "os.close(1); print('to nobody')",
    "close 2": "os.close(2); sys.stderr = None",
    "detach": "sys.__stdout__.detach(); sys.__stderr__.detach()",
    "leave": "os.chdir('/')",
    "fork": "os.fork(); time.sleep(0.02)",
    "fork and exit": "if os.fork() == 0: sys.exit(0)",
    "daemon": "if os.fork() == 0: os.setsid(); time.sleep(1000)",
    "exit": "sys.exit(3)",
    "interrupt": "raise KeyboardInterrupt",
    "plain": "",
}
"""


@pytest.mark.parametrize("version", ["3.8", "3.11"])
def test_what_a_script_does_to_its_process_harms_no_other_request(version: str, tmp_path: Path) -> None:
    python = find_interpreter(version)
    if python is None:
        pytest.skip(f"no CPython {version} on this machine")
    odd = [
        "stdin",
        "fork",
        "fork and exit",
        "daemon",
        "exit",
        "interrupt",
        "leave",
        "close stdout",
        "no streams",
    ]
    odd += ["raise", "close 1", "close 2", "raise", "detach", "raise"]

    async def test() -> None:
        async with site(tmp_path, SCRIPT, python=python) as here:
            number = 0
            for name in odd:
                asked = {}
                for each in (name, "plain", "plain"):
                    number += 1
                    asked[number] = here.ask(f'["{each}", {number}]')
                await here.answered()
                for own, answered in asked.items():
                    raises = own == number - 2 and name in ("exit", "interrupt", "raise")
                    assert answered.status == (500 if raises else 200), (name, answered.answer.body)
                    assert raises or answered.json == [own, here.pids[0]], name
            assert "ValueError: after that" in here.log
            assert here.pool.slots[0].restarts.count == 0

    run(test)


def test_threads_that_a_script_left_running_keep_no_worker(tmp_path: Path) -> None:
    async def test() -> None:
        async with site(tmp_path, SCRIPT) as here:
            await here.call('["plain", 1]')
            pid = here.pids[0]
            members = here.pool.members
            await here.pool.drain()
            assert not members
            assert (tmp_path / "app" / "ended").read_text() == f"{pid}\n"

    run(test)
