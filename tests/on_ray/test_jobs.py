"""The main job, a sweep and ChainerMN grow a Ray cluster from zero nodes, outlive a node that is killed, and leave."""

from __future__ import annotations

from typing import Any

import pytest

from faena.testing.waiting import until
from tests.hosts.namespaces import Host
from tests.on_ray.ground import MARKS, begin, finished, kill, nothing_is_left, raylets_leave, scripts, train

pytestmark = MARKS
Both = tuple[Host, Host]


def grew_and_left(found: Any, hosts: Both, *, attempts: int = 1) -> None:
    assert (found["status"], found["left"], found["attempts"]) == ("Completed", [], attempts), found
    statuses = [status for _, status, _ in found["seen"]]
    assert statuses[0] in ("Preparing", "Queued"), "there was no node"
    assert any("Ray" in (blocker or "") for _, _, blocker in found["seen"]), "it waited for Ray"
    nothing_is_left(hosts[1])
    raylets_leave(hosts[1])


def test_the_main_job_grows_a_cluster_from_zero_nodes(hosts: Both, chainer: str, mnist: None) -> None:
    found = train(hosts, "mnist", interpreter=chainer)
    grew_and_left(found, hosts)
    assert len(found["accuracy"]) == 2
    assert found["accuracy"][-1] > 0.9
    assert found["model"] == 1


def all_trials_are_there(found: Any) -> None:
    assert found["trials"] == ["Completed"] * 6
    assert found["points"] == [10] * 6, "each point of each trial once"
    assert found["outputs"] == 6
    assert max(found["best"]) == pytest.approx(6.09)


def test_a_sweep_grows_a_cluster_from_zero_nodes(hosts: Both) -> None:
    found = train(hosts, "sweep", seconds=1)
    assert (found["status"], found["left"]) == ("Completed", [])
    all_trials_are_there(found)
    assert (found["tries"], found["before"]) == (0, [])
    nothing_is_left(hosts[1])
    raylets_leave(hosts[1])


def test_a_node_killed_in_the_middle_costs_a_sweep_one_try(hosts: Both) -> None:
    driver = begin(hosts, "sweep", seconds=8)
    until(lambda: scripts(hosts[1]), "a trial runs", seconds=300)
    assert len(kill(hosts[1], "ray::Holder", most=1)) == 1
    found = finished(hosts, driver)
    assert (found["status"], found["left"]) == ("Completed", [])
    all_trials_are_there(found)
    assert found["tries"] == 1
    (why,) = found["before"]
    assert "The node was shut down" in why, why


def trained_on_two_nodes(found: Any) -> None:
    assert "ranks: 2 on each node: 2 communicator: naive" in found["log"], "its Ray nodes are one host"
    last = found["log"].splitlines()[-1].removeprefix("\x1b[J").split()
    assert (last[0], len(last)) == ("2", 6), "the second epoch's line"
    assert float(last[4]) > 0.9
    assert "outputs/model.npz" in found["files"]


def test_chainermn_on_two_nodes_grows_a_cluster_from_zero_nodes(
    hosts: Both, chainer: str, mnist: None
) -> None:
    found = train(hosts, "chainermn", interpreter=chainer)
    grew_and_left(found, hosts)
    trained_on_two_nodes(found)


def test_a_node_killed_in_the_middle_costs_chainermn_one_attempt(
    hosts: Both, chainer: str, mnist: None
) -> None:
    driver = begin(hosts, "chainermn", interpreter=chainer)
    until(lambda: len(scripts(hosts[1])) >= 2, "both ranks run", seconds=600)
    assert len(kill(hosts[1], "ray::Holder", most=1)) == 1
    found = finished(hosts, driver)
    grew_and_left(found, hosts, attempts=2)
    trained_on_two_nodes(found)
