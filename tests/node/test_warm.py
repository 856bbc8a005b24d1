"""Scripts that are started warm: as a cold start would have them, and none sees another's state."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from faena.attempts.folder import AttemptFolder
from faena.node import cgroups, processes
from faena.node.forking import ForkServer, Started
from faena.node.launch import GuardProcess
from faena.node.warm import record
from faena.node.warm.starts import WarmStarts
from faena.testing.waiting import until
from tests.node.warm_scripts import ENDS, FILES, SEES, SPOILS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scripts are started warm on Linux")

_ORDER: dict[str, Any] = {
    **dict.fromkeys(("experiment", "workspace", "workspace_folder", "gpu", "gpus"), ""),
    "run_id": "run",
    "attempt": 1,
    "rank": 0,
    "python": sys.executable,
    "hooked": True,
    "script": "train.py",
    "arguments": ["--lr", "0.1"],
    "cores": 1,
    "node_count": 1,
    "defaults": {},
    "environment_variables": {},
}
LOADED = (
    "argparse",
    "atexit",
    "concurrent.futures",
    "json",
    "logging",
    "multiprocessing.pool",
    "numpy",
    "random",
)


class Ended(NamedTuple):
    record: dict[str, Any]
    log: str
    warm: bool
    cold_because: str | None
    late: list[str]

    @property
    def status(self) -> tuple[int | None, int | None]:
        return self.record.get("exit_code"), self.record.get("signal")


class Node:
    """Starts scripts as a runner does."""

    def __init__(self, folder: Path, modules: tuple[str, ...] = LOADED, python: str = sys.executable) -> None:
        self._folder = folder
        self._python = python
        self._count = 0
        self.forks = ForkServer()
        record.write(folder / "warm", python, record.Record(modules))
        self.starts = WarmStarts(folder / "warm")

    def start(
        self, code: str, *, warm: bool = True, files: tuple[str, ...] = (), **order: Any
    ) -> tuple[AttemptFolder, GuardProcess]:
        self._count += 1
        folder = AttemptFolder(self._folder / f"{self._count:03}")
        folder.code.mkdir(parents=True)
        for name in ("train.py", *files):
            (folder.code / name).parent.mkdir(exist_ok=True)
            (folder.code / name).write_text(textwrap.dedent(code) if name == "train.py" else "")
        paths = [{"path": name} for name in ("train.py", *files)]
        asked = {**_ORDER, "python": self._python, **order, "warm": warm}
        socket = self._folder / "runner.sock"
        return folder, GuardProcess(asked, folder, socket, self.forks, warm=self.starts, files=paths)

    def run(self, code: str, **options: Any) -> Ended:
        folder, guard = self.start(code, **options)
        return self.ended(folder, guard)

    def ended(self, folder: AttemptFolder, guard: GuardProcess) -> Ended:
        assert guard.wait(60)
        late = guard.told(folder)
        guard.close()
        log = folder.driver_log.read_text() if folder.driver_log.exists() else ""
        log = log.replace(str(folder.path), "ATTEMPT")
        return Ended(folder.end() or {}, log, bool((folder.start() or {}).get("warm")), guard.cold, late)

    def close(self) -> None:
        self.starts.close()
        self.forks.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    made = Node(tmp_path_factory.mktemp("node"))
    yield made
    made.close()


@pytest.mark.few(8)
@pytest.mark.parametrize("code", ENDS.values(), ids=ENDS)
def test_a_script_ends_as_after_a_cold_start(node: Node, code: str) -> None:
    cold, warm = node.run(code, warm=False), node.run(code)
    assert warm.warm, warm.cold_because
    assert not cold.warm
    assert (warm.status, _shown(warm.log)) == (cold.status, _shown(cold.log))


def _shown(log: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x…", log)


def test_no_byte_of_a_file_that_was_not_closed_is_lost(node: Node) -> None:
    folder, guard = node.start(FILES)
    assert node.ended(folder, guard).warm
    code = folder.code
    assert (code / "text").read_text() == "text" * 5000
    found = {name: (code / name).read_text() for name in ("plain", "closure", "held", "ring", "log")}
    assert found == {
        "plain": "bytes",
        "closure": "closure",
        "held": "held by a package",
        "ring": "ring",
        "log": "INFO:root:logged\n",
    }


def seen(ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(re.sub(r"ATTEMPT|/\d{3}/", "X", _shown(ended.log)))
    found["order"] = sorted(found["order"])
    found["command_line"], found["variables"] = (
        found["command_line"].split("\0"),
        found["variables"].split("\0"),
    )
    return found


@pytest.mark.long
def test_a_script_sees_what_it_sees_after_a_cold_start(node: Node) -> None:
    cold, warm = (node.run(SEES, warm=each, hooked=False) for each in (False, True))
    assert warm.warm, warm.cold_because
    assert seen(warm) == seen(cold)


def test_a_script_sees_nothing_of_the_one_before_it(node: Node) -> None:
    before = node.run(SEES)
    spoilt = node.run(SPOILS)
    assert spoilt.warm and spoilt.status == (1, None), spoilt.log
    after = node.run(SEES)
    assert after.warm
    assert seen(after) == seen(before)
    asked = node.run("""
        import builtins, json, numpy, sys
        print(hasattr(numpy, "mine"), hasattr(builtins, "mine"), hasattr(json, "mine"), "user_module" in sys.modules)
    """)
    assert asked.log == "False False False False\n"


def test_each_script_draws_its_own_random_numbers(node: Node) -> None:
    draws = """
        import multiprocessing.process, numpy, os, random, tempfile, uuid
        print(random.random(), numpy.random.rand(), numpy.random.default_rng().random(), uuid.uuid4())
        print(bytes(multiprocessing.process.current_process().authkey).hex(), next(tempfile._get_candidate_names()))
    """
    found = [node.run(draws).log.split() for _ in range(3)]
    for column in zip(*found, strict=True):
        assert len(set(column)) == 3, column


POOLS = """
    import multiprocessing, os, pickle, sys
    class Mine:
        pass
    def square(x):
        assert "MARK" not in os.environ or os.environ["MARK"]
        return x * x
    if __name__ == "__main__":
        assert type(pickle.loads(pickle.dumps(Mine()))) is Mine
        for method in ("fork", "spawn"):
            with multiprocessing.get_context(method).Pool(2) as pool:
                print(method, pool.map(square, range(4)))
"""


def test_pools_and_pickles_work(node: Node) -> None:
    found = node.run(POOLS)
    assert found.warm
    assert (found.log, found.status) == ("fork [0, 1, 4, 9]\nspawn [0, 1, 4, 9]\n", (0, None))


def test_what_scripts_use_of_faena_is_loaded_ahead_and_knows_of_no_other_run(tmp_path: Path) -> None:
    made = Node(tmp_path, ())
    try:
        code = """
            import os, sys
            loaded = "faena" in sys.modules
            from faena import Run
            run = Run.get_context()
            run.log("loss", 1)
            print(loaded, run.id, os.path.dirname(os.environ["FAENA_SPOOL"]) == os.path.dirname(os.getcwd()))
        """
        for number in range(3):
            folder, guard = made.start(code, run_id=f"run{number}")
            assert made.ended(folder, guard).log == f"{number > 0} run{number} True\n"
            (spool,) = folder.spool.glob("*.spool")
            assert b'"t": ' in spool.read_bytes()  # it was ended
    finally:
        made.close()


def test_modules_are_started_warm_too(node: Node) -> None:
    code = "import sys; print(sys.argv[1:], __spec__.name, sys.path[0]); 1 / 0"
    cold, warm = (node.run(code, warm=each, entry="module", script="train") for each in (False, True))
    assert warm.warm, warm.cold_because
    assert (warm.status, warm.log) == (cold.status, cold.log)


@pytest.mark.long
def test_what_is_to_be_loaded_is_what_scripts_have_loaded(tmp_path: Path) -> None:
    made = Node(tmp_path, ())
    try:
        code = "import sys; print('colorsys' in sys.modules, 'mine' in sys.modules); import colorsys, mine"
        found = [made.run(code, files=("mine.py",)) for _ in range(3)]
        assert all(each.warm for each in found)
        assert [each.log for each in found] == ["False False\n", "True False\n", "True False\n"]
        assert "mine" not in record.read(tmp_path / "warm", sys.executable).modules
        again = WarmStarts(tmp_path / "warm")
        made.starts.close()
        made.starts = again
        assert made.run(code, files=("mine.py",)).log == "True False\n"
    finally:
        made.close()


@pytest.mark.long
def test_nodes_of_one_host_learn_from_each_other(tmp_path: Path) -> None:
    nodes = [Node(tmp_path, ()), Node(tmp_path / "other", ())]
    nodes[1].starts = WarmStarts(tmp_path / "warm")
    try:
        code = "import sys; print('colorsys' in sys.modules); import colorsys"
        for node in nodes:  # the second one began before the first had learned
            node.run("pass")
        assert [[node.run(code).log for _ in range(2)] for node in nodes] == [["False\n", "True\n"]] * 2
    finally:
        for node in nodes:
            node.close()


@pytest.mark.parametrize(
    ("files", "script"),
    [(("json.py",), "train.py"), (("json/__init__.py",), "train.py"), (("vendor/json.py",), "train.py")],
)
def test_a_module_of_the_users_is_never_hidden(node: Node, files: tuple[str, ...], script: str) -> None:
    found = node.run("print('ran')", files=files, script=script)
    assert not found.warm
    assert found.log == "ran\n"
    assert found.cold_because is not None and "json" in found.cold_because


def test_a_shell_script_is_started_cold_with_a_reason(node: Node) -> None:
    found = node.run("#!/bin/sh\necho ran\n", script="run.sh", files=("run.sh",))
    assert not found.warm
    assert found.cold_because == "run.sh is not started by Python alone"


def test_what_a_script_sets_too_late_is_told(node: Node) -> None:
    found = node.run(
        "import os; os.environ['OPENBLAS_NUM_THREADS'] = '3'; os.environ['MINE'] = '1'; import numpy"
    )
    assert found.warm
    assert found.late == ["OPENBLAS_NUM_THREADS"]
    assert node.run("import numpy").late == []


HARMFUL = {
    "starts_a_thread": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    "keeps_a_file_open": "import os\nkept = os.open('/dev/null', 0)",
    "prints": "print('hello')",
    "handles_signals": "import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)",
    "fails": "raise RuntimeError('no')",
    "loads_torch": "import torch",
    "ends": "raise SystemExit(3)",
}


@pytest.mark.long
def test_packages_that_do_harm_are_left_out_and_named(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    for name, code in {**HARMFUL, "torch": "", "harmless": ""}.items():
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text(code)
    made = Node(tmp_path, (*HARMFUL, "harmless", "harmless.gone", "nowhere", "json"))
    try:
        code = "import sys; print(sorted(set(sys.modules) & set(sys.argv)))"
        variables = {"PYTHONPATH": str(site)}
        arguments = [*HARMFUL, "harmless", "torch"]
        found = made.run(code, environment_variables=variables, arguments=arguments)
        assert found.warm, found.cold_because
        assert found.log == "['harmless']\n"
        made.run("import colorsys", environment_variables=variables)
        assert record.read(tmp_path / "warm", sys.executable).left_out.keys() == HARMFUL.keys()
    finally:
        made.close()


def test_an_interpreter_that_cannot_be_kept_is_told_and_the_script_runs(tmp_path: Path) -> None:
    made = Node(tmp_path, ())
    try:
        (tmp_path / "sitecustomize.py").write_text("import sys; sys.stderr.write('hello\\n')")
        variables = {"PYTHONPATH": str(tmp_path)}
        found = made.run("print('ran')", environment_variables=variables)
        assert (found.warm, found.log) == (False, "hello\nran\n")
        assert found.cold_because is not None and "writes to standard" in found.cold_because
    finally:
        made.close()


WAITS = """
    import os, subprocess, sys, time
    code = "import os, time; os.setsid(); print('child', os.getpid(), flush=True); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", code])
    if os.fork() == 0:
        os.setsid()
        print("fork", os.getpid(), flush=True)
    time.sleep(600)
"""


def begun(folder: AttemptFolder, *words: str) -> dict[str, int]:
    def found() -> dict[str, int]:
        lines = folder.driver_log.read_text().splitlines() if folder.driver_log.exists() else []
        return {line.split()[0]: int(line.split()[1]) for line in lines}

    until(lambda: found().keys() >= set(words), "the script has begun")
    return found()


def is_gone(pid: int) -> bool:
    found = processes.read(pid)
    return found is None or found.state == "Z"


def test_when_the_runner_dies_all_of_a_warm_script_dies(node: Node) -> None:
    folder, guard = node.start(WAITS)
    found = begun(folder, "child", "fork")
    guard.close()  # as the kernel does
    until(lambda: all(map(is_gone, found.values())), "all are gone")
    until(lambda: (folder.end() or {}).get("stopped_for") == "runner_lost", "the guard has told of it")


def test_when_guard_and_runner_die_what_is_left_is_found_by_its_mark(node: Node) -> None:
    folder, guard = node.start(WAITS, run_id="marked")
    found = begun(folder, "child", "fork")
    script = until(lambda: folder.start() or {}, "its start is written down")["pid"]
    os.kill(guard.pid, signal.SIGKILL)
    until(lambda: is_gone(script), "the script dies with its guard")
    assert not is_gone(found["fork"])
    assert processes.kill_marked("FAENA_MARK=marked.1.0", deadline=10.0) == 2
    assert all(map(is_gone, found.values()))
    guard.close()


def test_cancel_is_sigterm_first(node: Node) -> None:
    folder, guard = node.start("""
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print("saved", flush=True), sys.exit(4)))
        print("ready 1", flush=True)
        time.sleep(600)
    """)
    begun(folder, "ready")
    guard.ask_to_stop(b"c")
    found = node.ended(folder, guard)
    assert (found.log, found.status, found.record["stopped_for"]) == ("ready 1\nsaved\n", (4, None), "cancel")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_template_that_is_of_no_use_is_replaced(tmp_path: Path, number: int) -> None:
    made = Node(tmp_path, ())
    try:
        assert made.run("pass").warm
        (template,) = made.starts._templates.values()
        template._channel.settimeout(1.0)
        os.kill(template.pid, number)
        if number == signal.SIGKILL:
            until(lambda: not template.is_of_use(), "it is missed")
            assert made.run(COUNTS).warm
        else:
            found = made.run(COUNTS)
            assert (found.warm, found.status) == (False, (0, None))
            assert found.cold_because is not None and "of no use" in found.cold_because
        assert made.run("pass").warm
    finally:
        made.close()


COUNTS = """
    import os
    os.close(os.open("begun", os.O_CREAT | os.O_EXCL))  # fails the second time
"""


def test_a_script_whose_process_was_killed_before_it_began_is_started_cold(tmp_path: Path) -> None:
    made = Node(tmp_path, ())
    try:
        made.run("pass")
        (template,) = made.starts._templates.values()
        idle = _idle_script(template.pid)
        os.kill(idle, signal.SIGKILL)
        until(lambda: is_gone(idle), "it is gone")
        found = made.run(COUNTS)
        assert (found.warm, found.status) == (False, (0, None))
    finally:
        made.close()


def test_a_script_whose_guard_was_killed_before_its_word_is_started_cold(tmp_path: Path) -> None:
    made = Node(tmp_path, ())
    try:
        made.run("pass")
        (template,) = made.starts._templates.values()
        start = template.start

        def start_and_kill(folder: Path, descriptors: Sequence[int]) -> Started:
            started = start(folder, descriptors)
            os.kill(started.pid, signal.SIGKILL)
            until(lambda: is_gone(started.pid), "it is gone")
            return started

        template.start = start_and_kill  # type: ignore[method-assign]  # of this one
        found = made.run(COUNTS)
        assert (found.warm, found.status) == (False, (0, None))
        assert found.cold_because == "its guard was killed before it began"
    finally:
        made.close()


def _idle_script(template: int) -> int:
    def found() -> list[int]:
        return [
            each.pid
            for each in processes.descendants(template)
            if each.parent != template and each.state != "Z"
        ]

    return until(lambda: pids[0] if len(pids := found()) == 1 else 0, "a pair waits")


def test_a_template_that_nobody_uses_leaves(tmp_path: Path) -> None:
    made = Node(tmp_path, ())
    made.starts = WarmStarts(tmp_path / "warm", idle=2.0)  # until then it may take to be asked
    try:
        assert made.run("pass").warm
        (template,) = made.starts._templates.values()
        there = [each.pid for each in processes.descendants(template.pid)]
        until(lambda: all(map(is_gone, [template.pid, *there])), "it has left")
        assert made.run("pass").warm
    finally:
        made.close()


def control_group(pid: int) -> Path:
    """The one for which the guard `pid` would have to be able to make one."""
    found = cgroups.create(f"faena-test-{pid}")
    cgroups.remove(found)
    return found.with_name(f"faena-{pid}") if found else Path("none")


def test_a_template_leaves_with_its_runner_and_nothing_of_it_stays(tmp_path: Path) -> None:
    made = Node(tmp_path, ())
    made.run("pass")
    (template,) = made.starts._templates.values()
    until(lambda: len(processes.descendants(template.pid)) >= 2, "the next pair is there")
    there = [template.pid, *(each.pid for each in processes.descendants(template.pid))]
    groups = [group for group in map(control_group, there) if group.exists()]
    template._channel.shutdown(socket.SHUT_RDWR)  # as the kernel does
    until(lambda: all(map(is_gone, there)), "all are gone")
    assert not any(group.exists() for group in groups)
    made.close()


def test_a_changed_package_is_loaded_anew(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "changing").mkdir(parents=True)
    (site / "changing" / "__init__.py").write_text("version = 1")
    made = Node(tmp_path, ("changing",))
    try:
        code = "import changing; print(changing.version)"
        variables = {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
        assert made.run(code, environment_variables=variables, hooked=False).log == "1\n"
        (site / "changing" / "__init__.py").write_text("version = 22")
        os.utime(site / "changing" / "__init__.py", (1, 1))
        assert made.run(code, environment_variables=variables, hooked=False).log == "22\n"
    finally:
        made.close()


@pytest.mark.long
def test_other_variables_have_another_interpreter(node: Node) -> None:
    code = "import os, time; print(os.environ.get('TZ'), hash('x'), time.tzname[0])"
    there: list[str] = []
    for zone in ("Europe/Rome", "Asia/Tokyo"):
        variables = {"TZ": zone, "PYTHONHASHSEED": "7"}
        cold, warm = (node.run(code, warm=each, environment_variables=variables) for each in (False, True))
        assert warm.warm and warm.log == cold.log
        there.append(warm.log)
    assert there[0] != there[1]
