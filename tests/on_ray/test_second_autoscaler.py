"""A Ray cluster whose nodes are started by Ray's second autoscaler, which tells of its node types in another way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faena.testing import ray_head
from tests.hosts.namespaces import Host, Hosts
from tests.on_ray.ground import MARKS, nothing_is_left, raylets_leave, start_ray, train

pytestmark = MARKS


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Host]]:
    with Hosts(tmp_path_factory.mktemp("ray")) as (server, ray):
        start_ray(ray, ray_head.SECOND, second=True)
        yield server, ray


def test_two_nodes_at_once_from_zero_nodes_and_all_leave(hosts: tuple[Host, Host]) -> None:
    found = train(hosts, nodes=2)
    assert (found["status"], found["points"], found["left"], found["attempts"]) == ("Completed", 6, [], 1), (
        found
    )
    assert any("Ray" in (blocker or "") for _, _, blocker in found["seen"])
    nothing_is_left(hosts[1])
    raylets_leave(hosts[1])


def test_what_no_node_type_has_is_refused(hosts: tuple[Host, Host]) -> None:
    error = train(hosts, "too_large")["error"]
    assert "no node type of its Ray cluster has CPU 64: " in error
    assert "worker has CPU 1 (up to 4 nodes)" in error
