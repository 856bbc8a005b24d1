"""A Ray cluster whose own autoscaler starts at zero nodes, on a host of its own: `make ray`, which installs Ray."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.testing.waiting import until
from tests.hosts.namespaces import Host, Hosts, unavailable

RAY_PYTHON = os.environ.get("RAY_PYTHON", "")
pytestmark = [
    pytest.mark.campaign,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not RAY_PYTHON, reason="RAY_PYTHON is not set: `make ray`"),
    pytest.mark.skipif(bool(unavailable()), reason=unavailable()),
]

_CLUSTER: dict[str, Any] = {
    "cluster_name": "fake_multinode",
    "max_workers": 4,
    "provider": {
        "type": "fake_multinode",
        "use_node_id_as_ip": True,
        "disable_node_updaters": True,
        "disable_launch_config_check": True,
    },
    "auth": {"ssh_user": "x"},
    "head_node_type": "ray.head.default",
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "min_workers": 0, "max_workers": 0},
        "worker": {"resources": {"CPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": 4},
    },
    "upscaling_speed": 1.0,
    "idle_timeout_minutes": 0.1,
    "docker": {},
    "head_node": {},
    "file_mounts_sync_continuously": False,
    "file_mounts": {},
    **{
        name: []
        for name in (
            "cluster_synced_files",
            "rsync_exclude",
            "rsync_filter",
            "initialization_commands",
            "setup_commands",
            "head_setup_commands",
            "worker_setup_commands",
            "head_start_ray_commands",
            "worker_start_ray_commands",
        )
    },
}
_VARIABLES = {
    "RAY_FAKE_CLUSTER": "1",
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_enable_autoscaler_v2": "0",
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": "f" * 51 + "00000",
}

_DRIVER = """
import json, os, sys, time
from faena import Experiment, RayCluster, ScriptRunConfig, Workspace
from faena.compute.machines.schemas import ListenerRequest

address, hub, interpreter, nodes, seconds = sys.argv[1:]
os.makedirs(os.path.expanduser("~/project/src"), exist_ok=True)
os.chdir(os.path.expanduser("~/project"))
with open("src/train.py", "w") as file:
    file.write('''
import os, sys, time
from faena import Run
print("script", os.environ["FAENA_RANK"], [name for name in os.environ if name.startswith("RAY_")], flush=True)
for step in range(int(float(sys.argv[1]) * 10)):
    Run.get_context().log("step", step)
    time.sleep(0.1)
open("outputs/made.txt", "w").write("made")
''')
try:
    ws = Workspace.from_config()
except Exception:
    ws = Workspace.create("far")
ws.api.nodes.listen(ListenerRequest(hub, 7001))
big = RayCluster.attach(ws, "big", address=address, max_nodes=4, idle_seconds_before_scaledown=3)
source = ScriptRunConfig("src", script="train.py", arguments=[seconds], compute_target="big")
source.run_config.node_count = int(nodes)
source.run_config.environment.python.user_managed_dependencies = True
source.run_config.environment.python.interpreter_path = interpreter
began = time.monotonic()
run = Experiment(ws, "far").submit(source)
seen = []
while (status := run.get_status()) not in ("Completed", "Failed", "Canceled") and time.monotonic() - began < 150:
    view = ws.api.run(run.id)
    if not seen or seen[-1][1:] != [view.status, view.blocker]:
        seen.append([round(time.monotonic() - began, 2), view.status, view.blocker])
        print(json.dumps(seen[-1]), flush=True)
    time.sleep(0.05)
took = time.monotonic() - began
while ws.api.nodes.list() and time.monotonic() - began < 200:
    time.sleep(0.1)
print(json.dumps({
    "status": run.get_status(), "took": took, "seen": seen, "files": run.get_file_names(),
    "attempts": ws.api.run(run.id).attempt,
    "left": [node.name for node in ws.api.nodes.list()], "points": len(run.get_metrics().get("step", [])),
    "error": str(run.get_details().get("error")),
}))
"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Host]]:
    with Hosts(tmp_path_factory.mktemp("ray")) as (server, ray):
        (ray.path("/tmp") / "cluster.json").write_text(json.dumps(_CLUSTER))
        ray.run(
            *(Path(RAY_PYTHON).with_name("ray"), "start", "--head", "--autoscaling-config=/tmp/cluster.json"),
            *("--port=6379", "--num-cpus=0", "--disable-usage-stats", "--dashboard-host=0.0.0.0"),
            *(f"--node-ip-address={ray.address}", "--object-store-memory=200000000"),
            given={**_VARIABLES, "PATH": f"{Path(RAY_PYTHON).parent}:/usr/local/bin:/usr/bin:/bin"},
        )
        yield server, ray


def train(hosts: tuple[Host, Host], nodes: int = 1, seconds: float = 0.3) -> Any:
    server, ray = hosts
    (server.path("/tmp") / "driver.py").write_text(_DRIVER)
    said = server.run(
        *(sys.executable, "/tmp/driver.py", f"http://{ray.address}:8265", ray.hub, RAY_PYTHON, str(nodes)),
        str(seconds),
        seconds=240,
    )
    print(said)
    return json.loads(said.splitlines()[-1])


def begin(hosts: tuple[Host, Host], seconds: float) -> Any:
    """The same, beside the test."""
    server, ray = hosts
    (server.path("/tmp") / "driver.py").write_text(_DRIVER)
    command = (sys.executable, "/tmp/driver.py", f"http://{ray.address}:8265", ray.hub, RAY_PYTHON, "1")
    return server.start(*command, str(seconds), log="/tmp/driver.log")


def finished(hosts: tuple[Host, Host], driver: Any) -> Any:
    assert driver.wait(240) == 0, hosts[0].path("/tmp/driver.log").read_text()
    said = hosts[0].path("/tmp/driver.log").read_text()
    print(said)
    hosts[0].path("/tmp/driver.log").unlink()
    return json.loads(said.splitlines()[-1])


def commands(host: Host) -> dict[int, str]:
    found = {}
    for pid in host.processes():
        try:
            found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:  # it has ended
            continue
    return found


def kill(host: Host, part: str) -> list[int]:
    found = [pid for pid, command in commands(host).items() if part in command]
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return found


def scripts(host: Host) -> list[int]:
    return [pid for pid, command in commands(host).items() if "train.py" in command]


def check(found: Any, points: int, *, nodes: int = 1, attempts: int = 1) -> None:
    assert (found["status"], found["left"], found["attempts"]) == ("Completed", [], attempts), found
    assert found["points"] == points * nodes
    assert "outputs/made.txt" in found["files"]


def test_a_run_grows_a_cluster_from_zero_nodes_and_all_leave(hosts: tuple[Host, Host]) -> None:
    found = train(hosts)
    check(found, 3)
    assert found["seen"][0][1] in ("Preparing", "Queued")
    assert any("Ray" in (blocker or "") for _, _, blocker in found["seen"])
    until(lambda: not scripts(hosts[1]), "no script is left")
    assert not [each for each in commands(hosts[1]).values() if "runner-" in each], "no runner is left"


def test_a_run_of_two_nodes_has_both_at_once(hosts: tuple[Host, Host]) -> None:
    check(train(hosts, nodes=2), 3, nodes=2)


def test_a_bridge_that_is_killed_costs_a_run_nothing(hosts: tuple[Host, Host]) -> None:
    driver = begin(hosts, 6)
    until(lambda: scripts(hosts[1]), "the script runs")
    assert kill(hosts[1], "RAY_JOB_CONFIG_JSON_ENV_VAR")
    check(finished(hosts, driver), 60)


def test_a_run_whose_actor_is_killed_goes_again(hosts: tuple[Host, Host]) -> None:
    driver = begin(hosts, 4)
    until(lambda: scripts(hosts[1]), "the script runs")
    assert kill(hosts[1], "ray::Holder")
    until(lambda: not scripts(hosts[1]), "the script ends with it", seconds=5)
    found = finished(hosts, driver)
    assert (found["status"], found["attempts"], found["left"]) == ("Completed", 2, [])


def test_a_server_that_is_killed_finds_the_run_again(hosts: tuple[Host, Host]) -> None:
    driver = begin(hosts, 6)
    until(lambda: scripts(hosts[1]), "the script runs")
    assert kill(hosts[0], "-m faena.server")
    check(finished(hosts, driver), 60)


def test_a_run_whose_ray_node_is_killed_goes_again_after_its_lease(hosts: tuple[Host, Host]) -> None:
    driver = begin(hosts, 30)
    until(lambda: scripts(hosts[1]), "the script runs")
    (actor,) = [pid for pid, command in commands(hosts[1]).items() if "ray::Holder" in command]
    raylet = int(Path(f"/proc/{actor}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(raylet, signal.SIGKILL)
    most = 0
    while driver.poll() is None:
        most = max(most, len(scripts(hosts[1])))
        time.sleep(0.05)
    found = finished(hosts, driver)
    assert most == 1, "no two scripts of one run live"
    assert (found["status"], found["attempts"], found["left"]) == ("Completed", 2, [])
