"""What a bridge has its cluster do. The cluster is one of a test: names and what lives under them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from faena.compute.backends.ray import bridge as bridge_file
from faena.compute.backends.ray.bridge import (
    ENDED,
    GONE,
    RUNNING,
    STARTING,
    Bridge,
    Holder,
    Refused,
    Server,
    serve,
)


class FakeRay:
    """Placement groups and actors by name; they outlive a bridge, as detached ones do."""

    def __init__(self) -> None:
        self.groups: dict[str, bool] = {}
        self.bundles: dict[str, list[dict[str, float]]] = {}
        self.actors: dict[tuple[str, int], str] = {}
        self.states: dict[tuple[str, int], tuple[str, str]] = {}
        self.starts: list[str] = []
        self.places_at_once = True
        self.offered: dict[str, Any] = {"grows": None, "types": [], "most": -1, "nodes": []}

    def offer(self) -> dict[str, Any]:
        return self.offered

    def gangs(self) -> dict[str, bool]:
        return dict(self.groups)

    def make(self, gang: str, bundles: list[dict[str, float]]) -> None:
        self.groups.setdefault(gang, self.places_at_once)
        self.bundles[gang] = bundles

    def remove(self, gang: str) -> None:
        self.groups.pop(gang, None)
        self.actors = {which: name for which, name in self.actors.items() if which[0] != gang}

    def nodes(self) -> dict[tuple[str, int], Any]:
        return dict(self.actors)

    def start(self, gang: str, rank: int, what: Any) -> str:
        assert (gang, rank) not in self.actors, "a name is taken"
        self.actors[gang, rank] = what
        self.starts.append(what)
        self.states[gang, rank] = (RUNNING, "")
        return str(what)

    def look(self, actors: dict[tuple[str, int], Any]) -> dict[tuple[str, int], tuple[str, str]]:
        return {which: self.states[which] for which in actors}


def wanted(*gangs: tuple[str, int, Sequence[tuple[int, bool]]]) -> dict[str, Any]:
    """By name, size, and of each node its rank and whether it has joined."""
    return {
        "gangs": [
            {
                "id": name,
                "size": size,
                "nodes": [
                    {"rank": rank, "name": f"{name}-{rank}", "joined": joined} for rank, joined in nodes
                ],
            }
            for name, size, nodes in gangs
        ],
        "bundle": {"CPU": 1.0},
        "cores": 1,
        "mark": "m",
    }


def begin(ray: FakeRay) -> Bridge:
    return Bridge(ray, lambda name, wanted: name)


def states(bridge: Bridge) -> dict[tuple[str, int], str]:
    return {(each["gang"], each["rank"]): each["state"] for each in bridge.look()}


BOTH = [(0, False), (1, False)]


def test_a_gang_is_placed_and_then_its_runners_start() -> None:
    ray = FakeRay()
    ray.places_at_once = False
    bridge = begin(ray)
    assert bridge.follow(wanted(("a", 2, BOTH)))
    assert (ray.groups, ray.bundles["a"], ray.starts) == ({"a": False}, [{"CPU": 1.0}] * 2, [])
    bridge.follow(wanted(("a", 2, BOTH)))
    assert ray.starts == []
    ray.groups["a"] = True
    bridge.follow(wanted(("a", 2, BOTH)))
    assert ray.starts == ["a-0", "a-1"]
    assert states(bridge) == {("a", 0): RUNNING, ("a", 1): RUNNING}
    assert not bridge.follow(wanted(("a", 2, [(0, True), (1, True)])))
    assert len(ray.starts) == 2


def test_the_next_bridge_finds_what_is_there_and_sweeps_what_is_nobodys() -> None:
    ray = FakeRay()
    first = begin(ray)
    for _ in range(2):
        first.follow(wanted(("a", 1, [(0, False)]), ("old", 1, [(0, False)])))
    second = begin(ray)
    second.follow(wanted(("a", 1, [(0, True)])))
    assert (set(ray.groups), ray.starts) == ({"a"}, ["a-0", "old-0"])
    assert states(second) == {("a", 0): RUNNING}


def test_a_runner_that_ended_is_told_of_and_not_started_again() -> None:
    ray = FakeRay()
    bridge = begin(ray)
    for _ in range(2):
        bridge.follow(wanted(("a", 1, [(0, False)])))
    ray.states["a", 0] = (ENDED, "exit code 1: no way")
    assert bridge.look() == [{"gang": "a", "rank": 0, "state": ENDED, "said": "exit code 1: no way"}]
    bridge.follow(wanted(("a", 1, [(0, False)])))
    assert ray.starts == ["a-0"]
    bridge.follow(wanted())
    assert (ray.groups, bridge.look()) == ({}, [])


def test_a_node_that_joined_and_is_not_there_any_more_is_not_started_twice() -> None:
    ray = FakeRay()
    bridge = begin(ray)
    bridge.follow(wanted(("a", 1, [(0, True)])))
    assert (ray.starts, ray.groups) == ([], {})
    assert states(bridge) == {("a", 0): GONE}


def test_what_has_left_of_a_gang_leaves_the_rest_alone() -> None:
    ray = FakeRay()
    bridge = begin(ray)
    for _ in range(2):
        bridge.follow(wanted(("a", 2, BOTH)))
    bridge.follow(wanted(("a", 2, [(1, True)])))
    assert set(ray.groups) == {"a"}
    assert states(bridge) == {("a", 1): RUNNING}


class Answers:
    """A server that answers in turn."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.reports: list[dict[str, Any]] = []

    def __call__(self, report: dict[str, Any]) -> bytes:
        self.reports.append(report)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return msgspec.json.encode(answer)


OWN = {"bridge": "b1"}


def test_a_bridge_asks_until_it_may_leave_also_when_the_server_is_away() -> None:
    ray = FakeRay()
    one = {**wanted(("a", 1, [(0, False)])), "leave": False}
    server = Answers(one, OSError("away"), one, {**wanted(), "leave": True})
    slept: list[float] = []
    assert serve(begin(ray), server, OWN, time.monotonic, slept.append) == 0
    assert [report["seen"] for report in server.reports] == ["", "m", "m", "m"]
    assert server.reports[1]["wait"] < 1.0, "something is in motion"
    assert server.reports[3]["nodes"][0]["state"] == RUNNING
    assert len(slept) == 1


def test_a_bridge_whose_server_never_comes_back_takes_all_away() -> None:
    ray = FakeRay()
    ray.groups["a"] = True
    at = iter(range(0, 100_000, 1000))
    away = [OSError("away")] * 10
    assert serve(begin(ray), Answers(*away), OWN, lambda: float(next(at)), lambda seconds: None) == 4
    assert ray.groups == {}


def test_the_runners_environment_is_scrubbed() -> None:
    own = {
        "PATH": "/bin",
        "RAY_JOB_CONFIG_JSON_ENV_VAR": "x",
        "PYTHONPATH": "x",
        "PYTHONBREAKPOINT": "x",
        "OMP_NUM_THREADS": "1",
        "LD_PRELOAD": "x",
        "FAENA_TOKEN": "the bridge's",
        "CUDA_VISIBLE_DEVICES": "0,1",
    }
    made = bridge_file.environment(own, "t", 0)
    assert made == {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "", "FAENA_TOKEN": "t", "FAENA_HELD_BY_PIPE": "1"}
    assert bridge_file.environment(own, "t", 1)["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_what_a_cluster_offers_is_told_and_looked_at_again_after_a_while() -> None:
    ray = FakeRay()
    at = iter(range(0, 1000, 6))
    there = {**wanted(), "leave": False}
    server = Answers(there, there, {**wanted(), "leave": True})
    ray.offered = {"grows": True}
    look = ray.offer
    ray.offer = lambda: {**look(), "at": next(at)}  # type: ignore[method-assign]  # counts looks
    assert serve(begin(ray), server, OWN, lambda: float(next(at)), time.sleep) == 0
    offers = [report["offer"]["at"] for report in server.reports]
    assert offers[0] < offers[-1], "it may be another one by now"


def test_an_autoscalers_file_tells_its_types(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text(
        "max_workers: 5\nhead_node_type: head\navailable_node_types:\n"
        "  head: {resources: {CPU: 0}}\n"
        "  small: {resources: {CPU: 1, 'node:x': 1}, max_workers: 4}\n"
        "  big: {resources: {CPU: 2, GPU: 0.5}}\n"
    )
    assert bridge_file._of_file(str(path)) == {
        "grows": True,
        "most": 5,
        "types": [
            {"name": "head", "resources": {"CPU": 0.0}, "most": 1, "head": True},
            {"name": "small", "resources": {"CPU": 1.0}, "most": 4, "head": False},
            {"name": "big", "resources": {"CPU": 2.0, "GPU": 0.5}, "most": 5, "head": False},
        ],
    }


def test_resources_that_only_placement_groups_have_are_no_offer() -> None:
    group = "5f2c0e4d6b7a8899aabbccddeeff00112233"
    given = {"CPU": 2, f"CPU_group_{group}": 1, f"CPU_group_0_{group}": 1, f"bundle_group_{group}": 1000}
    assert bridge_file._amounts({**given, "node:10.0.0.7": 1, "object_store_memory": 5}) == {"CPU": 2.0}


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield (made := Holder())
    if made._process is not None:
        made._process.kill()
        made._process.wait()
        assert made._process.stdin is not None
        made._process.stdin.close()


def runner(code: str) -> bytes:
    """A file that Python runs."""
    return code.encode()


def until_ended(holder: Holder) -> tuple[str, str]:
    deadline = time.monotonic() + 20
    while (found := holder.look())[0] == RUNNING and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def test_an_actor_holds_its_runners_pipe_and_tells_how_it_ended(holder: Holder) -> None:
    assert holder.look() == (STARTING, "")
    code = "import sys, os\nsys.stdin.read()\nprint(sys.argv[1:], os.environ['FAENA_TOKEN'])\nsys.exit(3)"
    holder.start(("https://h:1", "t-o-k", "big-0", 2, 0, runner(code)))
    assert holder.look() == (RUNNING, "")
    assert holder._process is not None
    assert "t-o-k" not in " ".join(map(str, holder._process.args)), "no secret in arguments"  # type: ignore[arg-type]  # a list
    assert holder._process.stdin is not None
    holder._process.stdin.close()
    state, said = until_ended(holder)
    assert state == ENDED
    assert said == "exit code 3: ['join', 'https://h:1', '--name', 'big-0', '--cores', '2'] t-o-k"


def test_a_runner_that_cannot_start_is_told_of(holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    holder.start(("https://h:1", "t", "big-0", 1, 0, runner("")))
    state, said = holder.look()
    assert state == ENDED
    assert "/nowhere/python" in said


def test_a_certificate_that_the_token_does_not_name_is_trusted_in_nothing(tmp_path: Path) -> None:
    server = Server("https://127.0.0.1:9", "FAENA1-" + "0" * 64 + "-secret")
    with pytest.raises(OSError, match="refused"):
        server.ask("GET", "/version")


def test_a_bridge_is_one_file_that_needs_nothing_of_faena() -> None:
    source = Path(bridge_file.__file__).read_text()
    assert "import faena" not in source
    assert "from faena" not in source
    assert len(zlib.compress(source.encode(), 9)) < 16_000, "it goes in a variable"
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({bridge_file.__file__!r})"],
        capture_output=True,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    assert found.returncode == 0, found.stderr


def test_whoever_is_refused_leaves_what_runs_and_takes_the_rest_away() -> None:
    for state, left in ((RUNNING, {"a"}), (ENDED, set())):
        ray = FakeRay()
        ray.groups["a"] = True
        ray.actors["a", 0] = "a-0"
        ray.states["a", 0] = (state, "")
        with pytest.raises(Refused):
            serve(begin(ray), Answers(Refused("no")), OWN, time.monotonic, time.sleep)
        assert set(ray.groups) == left
