"""Runs on a Ray cluster that starts at zero nodes: they grow it, and what becomes of them when somebody is killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from faena.testing.waiting import until
from tests.hosts.namespaces import Host
from tests.on_ray.ground import (
    MARKS,
    begin,
    commands,
    finished,
    kill,
    nothing_is_left,
    raylets_leave,
    scripts,
    train,
)

pytestmark = MARKS
_BEGINS = 300.0
"""Seconds until a script runs, from zero nodes on a busy machine."""


def check(found: Any, points: int, *, nodes: int = 1, attempts: int = 1) -> None:
    assert (found["status"], found["left"], found["attempts"]) == ("Completed", [], attempts), found
    assert found["points"] == points * nodes
    assert "outputs/made.txt" in found["files"]


def test_a_run_grows_a_cluster_from_zero_nodes_and_all_leave(hosts: tuple[Host, Host]) -> None:
    found = train(hosts)
    check(found, 3)
    assert found["seen"][0][1] in ("Preparing", "Queued")
    assert any("Ray" in (blocker or "") for _, _, blocker in found["seen"])
    nothing_is_left(hosts[1])
    raylets_leave(hosts[1])


def test_a_run_of_two_nodes_has_both_at_once(hosts: tuple[Host, Host]) -> None:
    check(train(hosts, nodes=2), 3, nodes=2)


def test_a_bridge_that_is_killed_costs_a_run_nothing(hosts: tuple[Host, Host]) -> None:
    driver = begin(hosts, "count", seconds=6)
    until(lambda: scripts(hosts[1]), "the script runs", seconds=_BEGINS)
    assert kill(hosts[1], "RAY_JOB_CONFIG_JSON_ENV_VAR")
    check(finished(hosts, driver), 60)


def test_a_run_whose_actor_is_killed_goes_again(hosts: tuple[Host, Host]) -> None:
    driver = begin(hosts, "count", seconds=4)
    until(lambda: scripts(hosts[1]), "the script runs", seconds=_BEGINS)
    assert kill(hosts[1], "ray::Holder")
    until(lambda: not scripts(hosts[1]), "the script ends with it", seconds=5)
    found = finished(hosts, driver)
    assert (found["status"], found["attempts"], found["left"]) == ("Completed", 2, [])


def test_a_server_that_is_killed_finds_the_run_again(hosts: tuple[Host, Host]) -> None:
    driver = begin(hosts, "count", seconds=6)
    until(lambda: scripts(hosts[1]), "the script runs", seconds=_BEGINS)
    assert kill(hosts[0], "-m faena.server")
    check(finished(hosts, driver), 60)


def test_a_run_whose_ray_node_is_killed_goes_again_after_its_lease(hosts: tuple[Host, Host]) -> None:
    driver = begin(hosts, "count", seconds=60)
    until(lambda: scripts(hosts[1]), "the script runs", seconds=_BEGINS)
    (actor,) = [pid for pid, command in commands(hosts[1]).items() if "ray::Holder" in command]
    raylet = int(Path(f"/proc/{actor}/stat").read_text().rpartition(")")[2].split()[1])
    assert "/raylet/raylet" in commands(hosts[1])[raylet]
    os.kill(raylet, signal.SIGKILL)
    most = 0
    while driver.poll() is None:
        most = max(most, len(scripts(hosts[1])))
        time.sleep(0.05)
    found = finished(hosts, driver)
    assert most == 1, "no two scripts of one run live"
    assert (found["status"], found["attempts"], found["left"]) == ("Completed", 2, [])
