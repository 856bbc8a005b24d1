"""The spool under everything that processes do: threads, forks, spawned children, kills."""

from __future__ import annotations

import os
import signal

import pytest

from tests.script.conftest import VERSIONS, RunHere, find_interpreter
from tests.semaphores import needs_semaphores

HEAD = """
import os, sys, threading, multiprocessing
from faena import Run
run = Run.get_context()
"""


def test_points_of_every_kind_arrive_as_written(here: RunHere) -> None:
    here.run(
        HEAD
        + """
run.log("loss", 0.25)
run.log("loss", float("nan"), step=3)
run.log("loss", float("-inf"), "a description", -1)
run.log("count", 7)
run.log("count", -2**63, step=2**63 - 1)
run.log("größe ✓", 1.5)
run.log("count", 2**63)
run.log("ok", True)
run.log("state", "warm", step=2)
"""
    )
    spool = here.spool()
    assert [repr(value) for value in spool.values("loss")] == ["0.25", "nan", "-inf"]
    assert [step for _, step in spool.points["loss"]] == [None, 3, -1]
    assert spool.points["count"] == [(7, None), (-(2**63), 2**63 - 1)]
    assert all(type(value) is int for value in spool.values("count"))
    assert spool.values("größe ✓") == [1.5]
    shown = [(e["op"], e["name"], e["value"], e.get("step")) for e in spool.events]
    assert shown == [
        ("scalar", "count", 2**63, None),
        ("scalar", "ok", True, None),
        ("scalar", "state", "warm", 2),
    ]
    assert len(spool.files) == len(spool.hellos) == len(spool.ends) == 1
    hello, end = spool.hellos[0], spool.ends[0]
    assert hello["version"] == 1
    assert spool.files[0].name.startswith(f"{hello['pid']}-")
    assert hello["python"].count(".") == 2
    assert hello["started"] <= spool.times[0] <= end["t"]
    assert end["dropped"] == 0
    assert spool.bad_bytes == 0


@pytest.mark.long
def test_threads_lose_and_repeat_nothing(here: RunHere) -> None:
    here.run(
        HEAD
        + """
gate = threading.Barrier(8)
def work(number):
    gate.wait()
    for i in range(5000):
        run.log("shared", number * 5000 + i)
        run.log("name %d" % (i % 50), float(i))
        if i % 1000 == 0:
            run.log_list("list", [i, number])
threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
"""
    )
    spool = here.spool()
    assert sorted(spool.values("shared")) == list(range(40_000))
    assert sum(len(spool.points[f"name {i}"]) for i in range(50)) == 40_000
    assert len(spool.events) == 40
    assert (spool.bad_bytes, len(spool.files)) == (0, 1)


def test_forked_children_have_files_of_their_own(here: RunHere) -> None:
    here.run(
        HEAD
        + """
run.log("a", 0.0)
log = run.log  # held since before the fork
children = []
for number in range(4):
    pid = os.fork()
    if pid == 0:
        for i in range(1000):
            log("a", float(i + 1))
        run.log("last", number)
        os._exit(0)
    children.append(pid)
for i in range(1000):
    log("a", float(i + 1))
for pid in children:
    assert os.waitpid(pid, 0)[1] == 0
"""
    )
    spool = here.spool()
    assert len(spool.files) == len({hello["pid"] for hello in spool.hellos}) == 5
    assert sorted(spool.values("a")) == sorted([0.0] + [float(i + 1) for i in range(1000)] * 5)
    assert sorted(spool.values("last")) == [0, 1, 2, 3]
    assert spool.bad_bytes == 0
    assert len(spool.ends) == 1, "os._exit leaves no time for an END"


def test_fork_while_other_threads_log(here: RunHere) -> None:
    here.run(
        HEAD
        + """
import warnings
warnings.simplefilter("ignore")  # forking with threads is what is tried here
stop = threading.Event()
def work():
    i = 0
    while not stop.is_set():
        run.log("parent %d" % i, i)  # a new name each time: the lock is taken most of the time
        i += 1
threads = [threading.Thread(target=work) for _ in range(3)]
[t.start() for t in threads]
for number in range(20):
    pid = os.fork()
    if pid == 0:
        run.log("child", number)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
[t.join() for t in threads]
"""
    )
    spool = here.spool()
    assert sorted(spool.values("child")) == list(range(20))
    assert spool.bad_bytes == 0


@pytest.mark.long
@needs_semaphores
def test_multiprocessing_children_end_in_good_order(here: RunHere) -> None:
    here.run(
        HEAD.replace("run = Run.get_context()", "")
        + """
def work(number):
    run = Run.get_context()
    for i in range(500):
        run.log("child", number * 500 + i)

if __name__ == "__main__":
    import warnings
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        number = {"fork": 0, "spawn": 1, "forkserver": 2}[method]
        child = context.Process(target=work, args=(number,))
        child.start()
        child.join()
        assert child.exitcode == 0, method
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(work, [3, 4])
        pool.close()
        pool.join()
"""
    )
    spool = here.spool()
    assert sorted(spool.values("child")) == list(range(2500))
    assert len(spool.ends) == len(spool.files) >= 4
    assert spool.bad_bytes == 0


def test_subprocess_children_belong_to_the_run(here: RunHere) -> None:
    here.run(
        HEAD
        + """
import subprocess
run.log("a", 1.0)
code = "from azureml.core.run import Run; Run.get_context().log('a', 2.0)"
subprocess.run([sys.executable, "-c", code], check=True)
"""
    )
    assert sorted(here.spool().values("a")) == [1.0, 2.0]


def test_os_exit_loses_nothing(here: RunHere) -> None:
    here.run(HEAD + "for i in range(1000): run.log('a', i)\nos._exit(3)\n", rc=3)
    spool = here.spool()
    assert spool.values("a") == list(range(1000))
    assert spool.ends == []


def test_sigkill_keeps_each_call_that_returned(here: RunHere) -> None:
    source = (
        HEAD
        + """
i = 0
while True:
    run.log("a", i)
    if i % 7 == 0:
        run.log_list("l", [i])
    os.write(1, b"%d\\n" % i)
    i += 1
"""
    )
    process = here.start(source)
    assert process.stdout is not None
    pipe, told = process.stdout.fileno(), b""  # unbuffered: each byte read is a call confirmed
    while told.count(b"\n") < 3000:
        part = os.read(pipe, 1 << 16)
        assert part, "the script ended by itself"
        told += part
    process.kill()
    while part := os.read(pipe, 1 << 16):
        told += part
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, err
    confirmed = told.count(b"\n") - 1
    spool = here.spool()
    logged = spool.values("a")
    assert logged == list(range(len(logged)))
    assert len(logged) in (confirmed + 1, confirmed + 2), "at most the call under way is extra"
    assert [e["values"] for e in spool.events][: confirmed // 7 + 1] == [
        [i] for i in range(0, confirmed + 1, 7)
    ]


def test_signal_handlers_may_log(here: RunHere) -> None:
    here.run(
        HEAD
        + """
import signal
count = 0
def handler(*_):
    global count
    run.log("handler %d" % count, count)
    count += 1
signal.signal(signal.SIGALRM, handler)
i = 0
while count < 300:
    armed = count
    signal.setitimer(signal.ITIMER_REAL, 1e-5 * (i % 10 + 1))
    while count == armed:
        run.log("name %d" % i, i)
        i += 1
"""
    )
    spool = here.spool()
    handled = [name for name in spool.points if name.startswith("handler")]
    assert len(handled) == 300
    assert all(spool.values(name) == [int(name.split()[1])] for name in spool.points)
    assert spool.bad_bytes == 0


def test_a_daemon_that_closes_every_descriptor_goes_on_in_a_new_file(here: RunHere) -> None:
    here.run(
        HEAD
        + """
run.log("a", 1)
os.closerange(3, 4096)
mine = open("mine.bin", "wb")
run.log("a", 2)
run.log("b", 3)
mine.close()
assert os.path.getsize("mine.bin") == 0
"""
    )
    spool = here.spool()
    assert sorted(spool.values("a")) == [1, 2]
    assert spool.values("b") == [3]
    assert len(spool.files) == 2


def test_every_supported_interpreter_is_tried() -> None:
    assert VERSIONS == ("oldest", "3.13")
    assert find_interpreter("3.11") or find_interpreter("3.13")
