"""Warm starts on the oldest Pythons that scripts run on: as cold ones there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.node.test_warm import POOLS, Node, _shown, seen
from tests.node.warm_scripts import ENDS, FILES, SEES
from tests.script.conftest import find_interpreter

pytestmark = pytest.mark.skipif("sys.platform != 'linux'", reason="scripts are started warm on Linux")

LOADED = (
    "argparse",
    "concurrent.futures",
    "json",
    "logging",
    "multiprocessing.pool",
    "random",
    "faena.script.run",
)
LOGS = """
    import sys
    from faena import Run
    Run.get_context().log("loss", 1)
    print(sys.version_info[:2])
"""


@pytest.fixture(
    scope="module",
    params=["oldest", *(pytest.param(each, marks=pytest.mark.campaign) for each in ("3.7", "3.8"))],
)
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    python = find_interpreter(request.param)
    if python is None:
        pytest.skip(f"no CPython {request.param} on this machine")
    made = Node(tmp_path_factory.mktemp("node"), LOADED, python)
    yield made
    made.close()


@pytest.mark.long
def test_a_script_begins_and_logs_as_after_a_cold_start(old: Node) -> None:
    cold, warm = (old.run(SEES, warm=each, hooked=False) for each in (False, True))
    assert warm.warm, warm.cold_because
    assert seen(warm) == seen(cold)
    for warm_start in (True, False):
        folder, guard = old.start(LOGS, warm=warm_start, hooked=False)
        ended = old.ended(folder, guard)
        assert (ended.warm, ended.status) == (warm_start, (0, None)), ended.log
        [spool] = folder.spool.glob("*.spool")
        assert b'"t": ' in spool.read_bytes()  # it was ended


@pytest.mark.campaign
@pytest.mark.parametrize("code", ENDS.values(), ids=ENDS)
def test_it_ends_as_after_a_cold_start(old: Node, code: str) -> None:
    cold, warm = old.run(code, warm=False), old.run(code)
    assert warm.warm, warm.cold_because
    assert warm.status == cold.status
    # A parser that reads a file shows another line of what ends too early, before Python 3.9.
    assert _shown(warm.log) == _shown(cold.log) or "unexpected EOF" in warm.log


@pytest.mark.campaign
def test_files_pools_and_modules(old: Node) -> None:
    folder, guard = old.start(FILES)
    assert old.ended(folder, guard).warm
    assert (folder.code / "text").read_text() == "text" * 5000
    assert (folder.code / "held").read_text() == "held by a package"
    found = old.run(POOLS)
    assert (found.warm, found.log) == (True, "fork [0, 1, 4, 9]\nspawn [0, 1, 4, 9]\n")
    code = "import sys; print(sys.argv[1:], __spec__.name, sys.path[0]); 1 / 0"
    cold, warm = (old.run(code, warm=each, entry="module", script="train") for each in (False, True))
    assert warm.warm, warm.cold_because
    assert (warm.status, warm.log) == (cold.status, cold.log)
