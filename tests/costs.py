"""`python -m pytest -p tests.costs` (`make costs`): what CPU each test costs, with all that it starts. It needs root.

Each process of the tests is in a control group of its own, and so is what comes of it: servers, their nodes, scripts,
browsers, whoever outlives the test and whoever is killed. Where `FAENA_TEST_COSTS` names a file, what each test costs
is kept there, a line of JSON each: the seconds of it all, those of the test without its fixtures, its name.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

MOST = 0.5
"""Seconds of CPU beyond which a test is `long`: CONTRIBUTING.md."""
_ROOT = Path("/sys/fs/cgroup")
_PLACE = "FAENA_TEST_COSTS"
_OURS = "faena-test-costs-"
_SHOWN = 40


class Group:
    """This process, and all that it starts from now on."""

    def __init__(self) -> None:
        one = (_ROOT / "cgroup.controllers").exists()  # version 2
        parent = _ROOT if one else _ROOT / "cpuacct"
        self.pid = os.getpid()
        self._folder = parent / f"faena-tests-{self.pid}"
        self._file = self._folder / ("cpu.stat" if one else "cpuacct.usage")
        try:
            self._folder.mkdir()
            (self._folder / "cgroup.procs").write_text(str(self.pid))
        except OSError as error:
            raise pytest.UsageError(f"what tests cost is read from control groups: {error}") from error

    @property
    def seconds(self) -> float:
        """Of CPU so far."""
        text = self._file.read_text()
        return int(text) / 1e9 if text.strip().isdigit() else int(text.split()[1]) / 1e6


_group: Group | None = None
_call = 0.0
"""Seconds of the test that goes on, without its fixtures."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    if _PLACE not in os.environ:  # the workers write where this process reads
        descriptor, os.environ[_PLACE] = tempfile.mkstemp(prefix=_OURS)
        os.close(descriptor)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    global _group, _call
    if _group is None or _group.pid != os.getpid():  # a worker may be a fork
        _group = Group()
    before, _call = _group.seconds, 0.0
    done = yield
    with Path(os.environ[_PLACE]).open("a") as file:
        file.write(json.dumps([_group.seconds - before, _call, item.nodeid.partition("@tests/")[0]]) + "\n")
    return done


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    global _call
    assert _group is not None
    before = _group.seconds
    try:
        return (yield)
    finally:
        _call = _group.seconds - before


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    place = Path(os.environ.pop(_PLACE))
    costs = sorted((json.loads(line) for line in place.read_text().splitlines()), reverse=True)
    if place.name.startswith(_OURS):
        place.unlink()
    for folder in [*_ROOT.glob("faena-tests-*"), *_ROOT.glob("cpuacct/faena-tests-*")]:
        with contextlib.suppress(OSError):  # somebody is in it
            folder.rmdir()
    total, dear = sum(cost for cost, _, _ in costs), [each for each in costs if each[0] > MOST]
    terminalreporter.section("CPU seconds of tests")
    for cost, call, name in dear[:_SHOWN]:
        terminalreporter.write_line(f"{cost:7.1f} ({call:.1f}) {name}")
    terminalreporter.write_line(
        f"{len(costs)} tests: {total:.0f} s; {len(dear)} of them above {MOST:g} s each"
    )
