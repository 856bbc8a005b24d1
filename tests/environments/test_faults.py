"""Many at once, and killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faena.environments import folders
from faena.environments.cache import list_environments
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import find_ready
from faena.environments.resolve import resolve
from tests.examples import long_form

from .builders import Builder, until
from .packages import make_sdist, make_wheel

# A build that says who it is and then waits for leave, at most for minutes.
_WAITING = """
with open({seen!r}, "a") as file:
    file.write(str(os.getpid()) + chr(10))
deadline = time.monotonic() + 150
while not os.path.exists({gate!r}) and time.monotonic() < deadline:
    time.sleep(0.01)
"""


class Slow:
    """A package whose build waits until `open_gate` is called."""

    def __init__(self, package_folder: Path, folder: Path) -> None:
        self._seen, self._gate = folder / "seen", folder / "gate"
        make_sdist(
            package_folder, "slow", _WAITING.format(seen=str(self._seen), gate=str(self._gate)).strip()
        )
        self.spec = EnvironmentSpec(packages=("slow",))

    def builds(self) -> list[int]:
        """Process ids of the package's builds so far."""
        return [int(line) for line in self._seen.read_text().split()] if self._seen.exists() else []

    def open_gate(self) -> None:
        self._gate.touch()


@pytest.fixture
def slow(package_folder: Path, tmp_path: Path) -> Iterator[Slow]:
    package = Slow(package_folder, tmp_path)
    yield package
    package.open_gate()
    until(lambda: not any(map(alive, package.builds())), "the package's builds end")


@contextmanager
def builders(folder: Path, spec: EnvironmentSpec, count: int, *options: str) -> Iterator[list[Builder]]:
    started = [Builder(folder / f"asker-{number}", spec, *options) for number in range(count)]
    try:
        yield started
    finally:
        for builder in started:
            builder.stop()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def imports(python: str, name: str) -> bool:
    return subprocess.run([python, "-c", f"import {name}"], check=False).returncode == 0


@pytest.mark.long
def test_eight_ask_at_once_and_one_builds(slow: Slow, tmp_path: Path) -> None:
    with builders(tmp_path, slow.spec, 8) as asked:
        until(lambda: bool(slow.builds()), "the build starts")
        until(lambda: sum("Making " in each.said() for each in asked) == 8, "all askers see the build's log")
        slow.open_gate()
        assert [each.wait() for each in asked] == [0] * 8
        results = [each.result() for each in asked]
    assert all(result["built"] for result in results)
    assert len(slow.builds()) == 1
    assert len({result["python"] for result in results}) == 1
    assert len({result["lock_digest"] for result in results}) == 1
    assert imports(results[0]["python"], "slow")
    assert len(list_environments()) == 1


@pytest.mark.long
def test_eight_get_the_answer_of_one_failed_attempt(package_folder: Path, tmp_path: Path) -> None:
    seen, gate = tmp_path / "seen", tmp_path / "gate"
    body = _WAITING.format(seen=str(seen), gate=str(gate)).strip() + "\nraise SystemExit('it is broken')"
    make_sdist(package_folder, "broken", body)
    with builders(tmp_path, EnvironmentSpec(packages=("broken",)), 8, "--retry") as asked:
        until(lambda: sum("Making " in each.said() for each in asked) == 8, "all askers see the build's log")
        gate.touch()
        assert [each.wait() for each in asked] == [1] * 8
        messages = [each.result()["error"]["message"] for each in asked]
        codes = {each.result()["error"]["code"] for each in asked}
    assert codes == {"EnvironmentBuildException"}
    assert all("it is broken" in message for message in messages)
    assert len(seen.read_text().split()) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, long_form(signal.SIGTERM)])
@pytest.mark.long
def test_a_builder_that_is_ended_in_the_middle_takes_uv_along(
    slow: Slow, tmp_path: Path, number: int
) -> None:
    lock = resolve(slow.spec, lambda line: None)
    with builders(tmp_path, slow.spec, 1) as [first]:
        until(lambda: bool(slow.builds()), "the build starts")
        [uv] = children(first.process.pid)
        first.process.send_signal(number)
        assert first.wait() == (-9 if number == signal.SIGKILL else 143)
        until(lambda: not alive(uv), "uv ends")
        assert not first.has_result()
    assert find_ready(slow.spec) is None
    assert not any(each.ready for each in list_environments())
    assert not (folders.envs() / f"{lock.digest}.failed.json").exists()
    slow.open_gate()
    with builders(tmp_path / "again", slow.spec, 1) as [second]:
        assert second.wait() == 0
        assert second.result()["built"] is True
        assert second.result()["lock_digest"] == lock.digest
        assert imports(second.result()["python"], "slow")


@pytest.mark.long
def test_a_waiter_takes_over_from_a_killed_builder(slow: Slow, tmp_path: Path) -> None:
    with builders(tmp_path, slow.spec, 1) as [first]:
        until(lambda: bool(slow.builds()), "the build starts")
        with builders(tmp_path / "second", slow.spec, 1) as [second]:
            until(lambda: "Another process" in second.said(), "the second waits")
            first.process.kill()
            first.process.wait()
            slow.open_gate()
            assert second.wait() == 0
            assert second.result()["built"] is True
            assert "Removing what an interrupted build left behind" in second.said()


@pytest.mark.few(1)
@pytest.mark.parametrize("moment", [0.1, 0.3, *map(long_form, (0.05, 0.15, 0.2, 0.25, 0.4, 0.5))])
def test_killed_at_any_moment_nothing_half_made_looks_ready(
    package_folder: Path, tmp_path: Path, moment: float
) -> None:
    names = [f"part{number}" for number in range(5)]
    for name in names:
        make_wheel(package_folder, name)
    spec = EnvironmentSpec(packages=tuple(names))
    with builders(tmp_path, spec, 1) as [builder]:
        try:
            builder.process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            builder.process.kill()
        builder.process.wait()
    for found in list_environments():
        python = folders.envs() / found.digest / "bin" / "python"
        assert not found.ready or imports(str(python), ", ".join(names))
    with builders(tmp_path / "again", spec, 1) as [builder]:
        assert builder.wait() == 0
        assert imports(builder.result()["python"], ", ".join(names))


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
