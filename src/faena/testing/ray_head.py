"""A true Ray cluster on one machine, whose own autoscaler starts at zero nodes.

Its nodes are raylets beside its head. The autoscaler wants port 6379, so the cluster wants a network namespace of its
own (`tests/hosts`, `benchmarks/ray.py`). With fewer keys in the configuration Ray 2.60's autoscaler fails, and with
other names of the head's node it kills its own head.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from faena.testing.waiting import until

ADDRESS = "http://127.0.0.1:8265"
"""Of its dashboard, on its own host."""

_HEAD_NODE = "f" * 51 + "00000"
VARIABLES = {
    "RAY_FAKE_CLUSTER": "1",
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    "RAY_enable_autoscaler_v2": "0",
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": _HEAD_NODE,
    # On a busy machine Ray ends what has not said its first word within 30 or 60 s.
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_worker_register_timeout_seconds": "300",
}
SECOND = {"RAY_enable_autoscaler_v2": "1", "RAY_CLOUD_INSTANCE_ID": _HEAD_NODE}
"""More of them, of a cluster with Ray's second autoscaler, whose `configuration` is to be of that, too."""
_EMPTY = (
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


def configuration(
    *,
    max_nodes: int = 4,
    idle_minutes: float = 0.1,
    types: Mapping[str, Any] | None = None,
    second: bool = False,
) -> dict[str, Any]:
    """Of its autoscaler. `idle_minutes`: until it takes a node away that nobody uses. `types`: more of nodes.
    `second`: of Ray's second one."""
    worker = {"resources": {"CPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": max_nodes}
    head = {"resources": {"CPU": 0}, "node_config": {}, "min_workers": 0, "max_workers": 0}
    return {
        "cluster_name": "fake_multinode",
        "max_workers": max_nodes,
        "provider": {
            **_provider(second=second),
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "auth": {"ssh_user": "x"},
        "head_node_type": "ray.head.default",
        "available_node_types": {"ray.head.default": head, "worker": worker, **(types or {})},
        "upscaling_speed": 1.0,
        "idle_timeout_minutes": idle_minutes,
        "docker": {},
        "head_node": {},
        "file_mounts_sync_continuously": False,
        "file_mounts": {},
        **{name: [] for name in _EMPTY},
    }


def _provider(*, second: bool) -> dict[str, Any]:
    """The second autoscaler wants the example of a provider's configuration, which no wheel of Ray has of this one:
    it dies at its start. Of one that is somebody else's it wants none.
    """
    if not second:
        return {"type": "fake_multinode"}
    its = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
    return {"type": "external", "module": its, "launch_multiple": True, "head_node_id": _HEAD_NODE}


def variables(python: str) -> dict[str, str]:
    """Of the processes of a cluster whose Ray belongs to the interpreter `python`."""
    return {**VARIABLES, "PATH": f"{Path(python).parent}:/usr/local/bin:/usr/bin:/bin"}


def start_words(python: str, file: Path, address: str) -> list[str]:
    """The command that starts its head at `address`, and leaves; `file`: of `write`.

    It fails where its processes take more than 30 s, and they go on: whether there is a cluster `is_up` tells.
    """
    return [
        str(Path(python).with_name("ray")),
        *("start", "--head", f"--autoscaling-config={file}", "--port=6379", "--num-cpus=0"),
        *("--disable-usage-stats", "--dashboard-host=0.0.0.0", f"--node-ip-address={address}"),
        "--object-store-memory=200000000",
        # Where they are not given its raylet waits 30 s for them, and dies on a machine that is too busy.
        *(
            "--metrics-export-port=46001",
            "--dashboard-agent-grpc-port=46002",
            "--runtime-env-agent-port=46003",
        ),
    ]


def write(file: Path, **shape: Any) -> None:
    """A `configuration`, as `start_words` wants it."""
    file.write_text(json.dumps(configuration(**shape)))


def is_up() -> bool:
    """Whether its dashboard answers, and knows the head's node. To be asked on its host."""
    try:
        with urlopen(f"{ADDRESS}/nodes?view=summary", timeout=20) as answer:
            found = json.load(answer)
        return any(each["raylet"]["state"] == "ALIVE" for each in found["data"]["summary"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return False


def wait() -> None:
    """Raises AssertionError after five minutes."""
    until(is_up, "the Ray cluster is up", seconds=300)


if __name__ == "__main__":
    wait()
