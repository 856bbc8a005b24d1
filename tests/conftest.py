"""Every test has a workspace, its own or its module's, and a clean environment; no process is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from packaging.specifiers import SpecifierSet

from faena import Workspace
from faena.environments import interpreters
from faena.environments.model import EnvironmentSpec
from faena.environments.prepare import prepare
from faena.kernel import discovery
from faena.kernel.errors import FaenaError
from faena.testing import postgresql, s3
from faena.testing.shutdown import end_runs
from faena.testing.shutdown import shut_down as shut_down
from tests.databases import KINDS, Databases
from tests.distributing import Distributing
from tests.examples import MANY, examples, mark_further_values
from tests.forked_starts import ForkedStarts
from tests.forked_workers import pytest_xdist_getremotemodule as pytest_xdist_getremotemodule
from tests.forked_workers import pytest_xdist_setupnodes as pytest_xdist_setupnodes
from tests.journeys.scripts import Project

# It checks addresses in jsonschema's schemas, of which notebooks have none, and takes 1.2 s of CPU to load.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # who imports it is told that there is none

# How long an example takes says nothing where other tests, or other people, have the cores.
settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=min(examples(30), 500),
)
settings.load_profile("any machine")
if not MANY:
    # Each process would read all sources for values to try: a fifth of what it takes to collect the tests.
    providers.is_local_module_file = lambda _: False  # type: ignore[assignment,attr-defined]  # it is theirs

_LEFT = pytest.StashKey[set[str]]()
"""What is in the checkout beside what git has: before the tests, and in the end what they have left."""
_OBJECTS_BETWEEN_COLLECTIONS = 10_000
_LONGEST_NAME = 30
"""Of what a test's folder has of the test's name: the path of a socket in it is limited to 107 bytes."""
_numbers = itertools.count()
_HIDING = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all tests, workers included: environments and sample data are made once."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if base.name.startswith("popen-") else base) / "faena-home"
    home.mkdir(exist_ok=True, mode=0o700)
    return home


@pytest.fixture(scope="session", autouse=True)
def forked_starts(request: pytest.FixtureRequest, shared_home: Path) -> Iterator[ForkedStarts]:
    """What this process starts as servers, and they as nodes, are forks of one that has their modules loaded."""
    place = shared_home.parent / "fork_server"
    if request.config.pluginmanager.has_plugin("tests.costs"):
        place = place.with_name(f"fork_server_{os.getpid()}")  # what it forks is counted where it is wanted
    made = ForkedStarts(discovery.start_module, place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discovery, "start_module", made.start_module)
        patch.setattr(asyncio, "create_subprocess_exec", made.create_subprocess_exec)
        yield made
    made.close()


@pytest.fixture
def real_starts(forked_starts: ForkedStarts, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test of the start itself."""
    monkeypatch.setattr(discovery, "start_module", forked_starts.real)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", forked_starts.create_real)


@pytest.fixture(scope="session")
def interpreters_asked(shared_home: Path) -> Path:
    """The file in which a state folder has what this machine's interpreters answered; each has been asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAENA_HOME", str(shared_home))
        interpreters.find(SpecifierSet(">=3.8"))
    return shared_home / "interpreters.json"


@pytest.fixture(scope="session")
def postgresql_server(shared_home: Path) -> Iterator[postgresql.Server]:
    """One for all workers, started by the first that asks; it leaves when all have ended."""
    try:
        server = postgresql.join(shared_home.parent / "postgresql")
    except postgresql.Unavailable as error:
        pytest.skip(str(error))
    yield server
    server.close()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.S3Server]:
    """One for each worker whose tests ask for it: it costs 0.1 s."""
    try:
        with s3.running(tmp_path_factory.mktemp("s3")) as server:
            yield server
    except s3.Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """To that server, as the environment of a server says it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)


def _databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    with Databases(server) as made:
        yield made


databases = pytest.fixture(params=KINDS)(_databases)
"""For a test that holds on SQLite and on PostgreSQL, and runs on each."""
lasting_databases = pytest.fixture(scope="module", params=KINDS)(_databases)


def _shared_by(item: pytest.Item) -> set[str]:
    """Fixtures that a module's tests share: to make one costs more than most tests."""
    known = getattr(item, "_fixtureinfo", None)
    found = {} if known is None else known.name2fixturedefs
    return {
        name
        for name in getattr(item, "fixturenames", ())
        if name != "lasting_surroundings" and any(each.scope == "module" for each in found.get(name, ()))
    }


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that share what their module has made run in one process, one after the other.

    On PostgreSQL `make test` tries the database room alone, and `make long` all that is kept there; likewise it tries
    some of the values of a test of many.
    """
    for item in items:
        if item.get_closest_marker("postgresql") and item.path.parent.name != "db":
            item.add_marker(pytest.mark.long)
    mark_further_values(items)
    for item in items:
        if shared := _shared_by(item):
            group = item.path.relative_to(config.rootpath).as_posix()
            if "lasting_databases" in shared and not shared & {"lasting_workspace", "common_workspace"}:
                group += f"-{item.callspec.params['lasting_databases']}"  # type: ignore[attr-defined]  # it has some
            item.add_marker(pytest.mark.xdist_group(group))
            if _grouped(config) and hasattr(item, "_id"):
                # Since pytest 9.2 xdist 3.8 writes the group into an attribute that nobody reads any more, and spreads
                # the tests without a word: https://github.com/pytest-dev/pytest-xdist/issues/1386
                item._id = type(item._id).parse(f"{item.nodeid}@{group}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test that failed has begun in a workspace that others share goes on for ever, and has its nodes."""
    report = yield
    if report.when == "call" and report.failed:
        given = getattr(item, "funcargs", {})
        for workspace in (given[name] for name in ("lasting_workspace", "common_workspace") if name in given):
            with contextlib.suppress(FaenaError):
                _cancel_since(workspace, call.start)
    return report


def _cancel_since(workspace: Workspace, moment: float) -> None:
    for row in workspace.api.runs(limit=1000):
        if row.ended_at is None and row.created_at > moment * 1e6:
            workspace.api.cancel(row.id)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Distributing | None:
    return Distributing(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_sessionstart(session: pytest.Session) -> None:
    if not _is_worker(session.config):
        session.config.stash[_LEFT] = _untracked(session.config.rootpath)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that leaves something in the checkout fails: what tests write there, others find."""
    if _is_worker(session.config):
        return
    before = session.config.stash[_LEFT]
    left = session.config.stash[_LEFT] = _untracked(session.config.rootpath) - before
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left := config.stash.get(_LEFT, None):
        terminalreporter.section("left in the checkout by the tests", red=True)
        terminalreporter.write_line(", ".join(sorted(left)))


def _untracked(folder: Path) -> set[str]:
    """Files and folders, empty ones too, that git neither has nor ignores; none where there is no git."""
    command = ["git", "ls-files", "--others", "--directory", "--exclude-standard", "-z"]
    try:
        found = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return set()
    return {os.fsdecode(name) for name in found.split(b"\0") if name}


def pytest_collection_finish() -> None:
    """What is there by now, thousands of tests and all modules, stays: the collector need not look at it again.

    At what tests make it looks less often than it would by itself: that is a tenth of their CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _grouped(config: pytest.Config) -> bool:
    """Whether this is a worker of `--dist loadgroup`."""
    return _is_worker(config) and bool(config.getoption("loadgroup", False))


@pytest.fixture(scope="module", autouse=True)
def lasting_surroundings(shared_home: Path) -> Iterator[Path]:
    """Where the sockets of a module's tests are: a short path, since a socket's is limited to 107 bytes."""
    runtime = Path(tempfile.mkdtemp(prefix="faena-test-", dir="/tmp"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAENA_HOME", str(shared_home))
        patch.setenv("FAENA_RUNTIME", str(runtime))
        patch.setenv("UV_COMPILE_BYTECODE", "0")  # of an environment that is used once a tenth is imported
        for name in _HIDING:
            patch.delenv(name, raising=False)
        yield runtime
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder for one test alone, which may look at all processes there."""
    runtime = Path(tempfile.mkdtemp(prefix="faena-test-", dir="/tmp"))
    monkeypatch.setenv("FAENA_RUNTIME", str(runtime))
    yield runtime
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As pytest's own, which looks through the folders of all tests before to give each the next number."""
    name = re.sub(r"\W", "_", request.node.name)[:_LONGEST_NAME]
    return tmp_path_factory.mktemp(f"{name}{next(_numbers)}", numbered=False)


@pytest.fixture
def chainer_python() -> Callable[[str], Path]:
    """Gives the interpreter of the environment that runs with this version of Chainer get. Needs the registry."""

    def make(version: str) -> Path:
        return Path(prepare(EnvironmentSpec(framework="chainer", framework_version=version), print).python)

    return make


@pytest.fixture
def own_workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace; what runs in it is stopped afterwards, and nothing may be left."""
    made = Workspace.create("test", tmp_path / "project")
    yield made
    shut_down(made)


@pytest.fixture
def workspace(own_workspace: Workspace) -> Workspace:
    """What most tests work in; a module whose tests do not disturb each other has it be its lasting one."""
    return own_workspace


@pytest.fixture(scope="module")
def lasting_workspace(
    request: pytest.FixtureRequest,
    shared_home: Path,
    lasting_surroundings: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Workspace]:
    """One that all tests of a module share; each makes names of its own there."""
    if _grouped(request.config):
        _claim(shared_home.parent / "claimed", request.node.nodeid)
    made = Workspace.create("test", tmp_path_factory.mktemp("lasting") / "project")
    yield made
    shut_down(made)


@pytest.fixture(scope="session")
def workers_workspace(
    shared_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, Path]]:
    """One for all modules of this process that can do with it, and its runtime folder. Its server does not leave."""
    runtime = Path(tempfile.mkdtemp(prefix="faena-test-", dir="/tmp"))

    def settings_of(patch: pytest.MonkeyPatch) -> None:
        patch.setenv("FAENA_HOME", str(shared_home))
        patch.setenv("FAENA_RUNTIME", str(runtime))
        patch.setenv("FAENA_SERVER_IDLE_SECONDS", "600")

    with pytest.MonkeyPatch.context() as patch:
        settings_of(patch)
        made = Workspace.create("common", tmp_path_factory.mktemp("common") / "project")
        made.api.version()
    yield made, runtime
    with pytest.MonkeyPatch.context() as patch:
        settings_of(patch)
        shut_down(made)
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.fixture(scope="module")
def common_workspace(
    lasting_surroundings: Path, workers_workspace: tuple[Workspace, Path]
) -> Iterator[Workspace]:
    """One that many modules share: for tests to which nothing is new that others leave there, but for what runs."""
    made, runtime = workers_workspace
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAENA_RUNTIME", str(runtime))
        yield made
        end_runs(made)


def _claim(folder: Path, module: str) -> None:
    """Fail where another worker has tests of this group: a server for each is what the group is to save."""
    folder.mkdir(exist_ok=True)
    claim = folder / module.replace("/", "-")
    try:
        with claim.open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        assert claim.read_text() == str(os.getpid()), f"two workers have tests of the group {module}"


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    """A source folder in a workspace, with a cluster to run it on."""
    return Project(workspace, tmp_path / "source")
