"""`ray up`, Ray's own: the head is on another host, reached over ssh; provider `local`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faena.testing.waiting import until
from tests.hosts.namespaces import HOME, Host, Hosts
from tests.on_ray.ground import MARKS, RAY_PYTHON, commands

_SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
pytestmark = [
    *MARKS,
    pytest.mark.skipif(
        not (_SSHD and shutil.which("rsync")),
        reason="there is no sshd, or no rsync (Debian: openssh-server, rsync)",
    ),
]
_FAENA = (sys.executable, "-P", "-m", "faena.cli")
_KEY = f"{HOME}/.ssh/id_ed25519"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Host]]:
    """The server's, and one with sshd that its user may enter."""
    with Hosts(tmp_path_factory.mktemp("ray")) as (server, ray):
        for host in (server, ray):
            host.path(f"{HOME}/.ssh").mkdir(mode=0o700, exist_ok=True)
        server.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", _KEY)
        ray.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/tmp/hostkey")
        known = ray.path(f"{HOME}/.ssh/authorized_keys")
        known.write_text(server.path(f"{_KEY}.pub").read_text())
        known.chmod(0o600)
        told = (
            f"HostKey /tmp/hostkey\nUsePAM no\nPidFile none\nAuthorizedKeysFile {HOME}/.ssh/authorized_keys\n"
        )
        ray.path("/tmp/sshd_config").write_text(f"{told}StrictModes no\nPermitRootLogin yes\n")
        Path("/run/sshd").mkdir(exist_ok=True)
        ray.path(f"{HOME}/.bashrc").write_text(f"export PATH={Path(RAY_PYTHON).parent}:$PATH\n")
        # With process ids of its own: `ray stop` ends all of Ray that it sees.
        apart = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
        ray.start(*apart, str(_SSHD), "-D", "-e", "-f", "/tmp/sshd_config", log="/tmp/sshd.log")
        until(lambda: "listening" in ray.path("/tmp/sshd.log").read_text(), "sshd listens")
        yield server, ray


def configuration(host: Host) -> dict[str, Any]:
    start = "ray start --head --port=6379 --num-cpus=2 --disable-usage-stats"
    more = f"--dashboard-host=0.0.0.0 --node-ip-address={host.address} --object-store-memory=200000000"
    return {
        "cluster_name": "own",
        "provider": {"type": "local", "head_ip": host.address, "worker_ips": []},
        "auth": {"ssh_user": "root", "ssh_private_key": _KEY},
        "min_workers": 0,
        "max_workers": 0,
        "setup_commands": [],
        "head_start_ray_commands": [
            "ray stop --force",
            f"{start} {more} --autoscaling-config=~/ray_bootstrap_config.yaml",
        ],
        "worker_start_ray_commands": [],
    }


def test_a_cluster_is_started_by_ray_up_trains_and_is_ended_by_ray_down(hosts: tuple[Host, Host]) -> None:
    server, ray = hosts
    server.path("/tmp/src").mkdir()
    server.path("/tmp/src/train.py").write_text("print('trained')")
    server.path("/tmp/cluster.yaml").write_text(json.dumps(configuration(ray)))
    given = {"FAENA_WORKSPACE": "/tmp/project", "PATH": f"{Path(RAY_PYTHON).parent}:/usr/bin:/bin"}

    def faena(*words: str, check: bool = True) -> str:
        return server.run(*_FAENA, *words, given=given, check=check, seconds=500)

    faena("init", "/tmp/project")
    faena("node", "open", "--address", ray.hub)
    words = ("cluster", "create", "own", "--ray-config", "/tmp/cluster.yaml", "--max-nodes", "2")
    for _ in range(3):  # Ray waits 30 s for its raylet, and not longer
        said = faena(*words, check=False)
        if said.splitlines()[-1].startswith("own: 0 to 2 nodes"):
            break
    else:
        pytest.fail(said)
    assert f"http://{ray.address}:8265" in faena("cluster", "show", "own", "--json")
    asked = ("--source", "/tmp/src", "--cluster", "own", "--interpreter", RAY_PYTHON)
    done = faena("submit", *asked, "train.py", check=False)
    assert "trained" in done, done
    print(faena("cluster", "delete", "own", "--down"))
    until(
        lambda: not [each for each in commands(ray).values() if "raylet" in each], "Ray has ended", seconds=60
    )
