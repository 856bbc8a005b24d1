"""Memory, parts of a GPU and resources of its own of a true Ray cluster; what none of its node types has is refused.

The server's host has a module `ray` that tells on whoever imports it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hosts.namespaces import Host, Hosts
from tests.on_ray.ground import MARKS, RAY_PYTHON, start_ray

pytestmark = MARKS
_BIG = {
    "resources": {"CPU": 2, "GPU": 1, "tpu": 2},
    "node_config": {},
    "min_workers": 1,  # Ray finds its memory
    "max_workers": 2,
}
_TRAP = """
open("/tmp/asked_for_ray", "a").write("somebody imports ray")
raise ImportError("no process of Faena's imports ray")
"""
_DRIVER = Path(__file__).with_name("shapes.py")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Any]]:
    """Its host, and what somebody found there."""
    with Hosts(tmp_path_factory.mktemp("ray")) as (server, ray):
        start_ray(ray, types={"big": _BIG})
        server.path("/tmp/trap").mkdir()
        server.path("/tmp/trap/ray.py").write_text(_TRAP)
        told = {"address": f"http://{ray.address}:8265", "hub": ray.hub, "interpreter": RAY_PYTHON}
        words = (sys.executable, "-P", str(_DRIVER), json.dumps(told))
        said = server.run(*words, given={"PYTHONPATH": "/tmp/trap"}, seconds=1000)
        print(said)
        yield server, json.loads(said.splitlines()[-1])


@pytest.fixture
def found(server: tuple[Host, Any]) -> Any:
    return server[1]


def test_what_no_node_type_has_is_refused(found: Any) -> None:
    assert "no node type of its Ray cluster has CPU 64: " in found["huge"]["error"]
    assert "worker has CPU 1 (up to 4 nodes)" in found["huge"]["error"]
    assert "can have 4 nodes with CPU 0.5, GPU 0.5 at most" in found["wide"]["error"]
    assert found["wide"]["offer"]["grows"]


def test_two_nodes_share_a_gpu_and_see_it(found: Any) -> None:
    assert (found["half"]["status"], found["half"]["cuda"]) == ("Completed", ["0", "0"]), found["half"]


@pytest.mark.parametrize("name", ["memory", "tpu"])
def test_memory_and_resources_of_its_own_are_asked_for(found: Any, name: str) -> None:
    assert found[name]["status"] == "Completed", found[name]


def test_no_process_at_the_servers_host_imports_ray(server: tuple[Host, Any]) -> None:
    assert not server[0].path("/tmp/asked_for_ray").exists()
