"""A helper lives as long as whoever needs it, on the oldest and the newest interpreters."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from faena.testing.waiting import until
from tests.script.conftest import RunHere

BEGINNING = """
import os, signal, sys, threading
from faena.script.proxies import names, session
there = names.find("builtins", "eval")
helper = session.current()._helper
print(helper.pid, helper.path, flush=True)
"""


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("waits", ["__import__('threading').Event().wait()", "1"])
def test_it_ends_with_a_process_that_is_killed(old: RunHere, waits: str) -> None:
    process = old.start(
        f"{BEGINNING}print(os.stat(helper.path).st_mode & 0o777, flush=True)\nthere({waits!r})\nsys.stdin.read()\n"
    )
    assert process.stdout is not None
    pid, path = process.stdout.readline().split()
    assert process.stdout.readline().strip() == str(0o600)
    assert Path(path).parent.stat().st_mode & 0o777 == 0o700
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    until(lambda: is_gone(int(pid)), "the helper has left")
    assert not Path(path).parent.exists()


def test_forks_threads_and_ctrl_c(old: RunHere) -> None:
    out, err = old.run(
        BEGINNING
        + """
assert there("1 + 1") == 2
pid = os.fork()
if pid == 0:
    os._exit(0 if there("2 + 2") == 4 else 1)
assert os.waitpid(pid, 0)[1] == 0
found = []
threads = [threading.Thread(target=lambda: found.append(there("3"))) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert found == [3] * 4
try:
    there("(stop(), __import__('threading').Event().wait())", {"stop": lambda: os.kill(os.getpid(), signal.SIGINT)})
except KeyboardInterrupt:
    print("interrupted")
assert there("4") == 4
print(os.path.exists(helper.path))
"""
    )
    pid, path, *rest = out.split()
    assert rest == ["interrupted", "True"]
    assert is_gone(int(pid))
    assert not Path(path).parent.exists()
    assert err == ""
