"""A server's host and that of a Ray cluster, and what runs on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from faena.testing import ray_head
from faena.testing.waiting import until
from tests.hosts.namespaces import Host, Hosts, unavailable

RAY_PYTHON = os.environ.get("RAY_PYTHON", "")
_WHY_NOT = unavailable() if RAY_PYTHON else "RAY_PYTHON is not set: `make ray`"
MARKS = [
    pytest.mark.campaign,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT),
]
_RAYLET, _DASHBOARD = "/raylet/raylet", "/dashboard/dashboard.py"
_STARTS = 5
_DRIVER = Path(__file__).with_name("driver.py")


@contextmanager
def hosts(folder: Path) -> Iterator[tuple[Host, Host]]:
    """The server's, and that of a Ray cluster with room for four nodes."""
    with Hosts(folder) as (server, ray):
        start_ray(ray)
        yield server, ray


def start_ray(host: Host, given: Mapping[str, str] | None = None, **shape: Any) -> None:
    """`given`: variables of its processes. `shape`: of its `ray_head.configuration`.

    Again, and again: a raylet gives its agent 30 s to say where it listens, a dashboard its parts 30 s to start. They
    die without, and have no setting for it.
    """
    ray_head.write(host.path("/tmp/cluster.json"), **shape)
    words = ray_head.start_words(RAY_PYTHON, Path("/tmp/cluster.json"), host.address)
    variables = {**ray_head.variables(RAY_PYTHON), **(given or {})}
    for _ in range(_STARTS):
        host.run(*words, given=variables, check=False, seconds=300)
        waits = host.start(sys.executable, "-P", "-m", "faena.testing.ray_head", log="/tmp/head.log")
        until(
            lambda: waits.poll() is not None or not (_with(host, _RAYLET) and _with(host, _DASHBOARD)),  # noqa: B023  at once
            "the Ray cluster is up, or has died",
            seconds=330,
        )
        if waits.poll() == 0:
            return
        end_ray(host)
    raise AssertionError(f"Ray's head did not start, {_STARTS} times, at a load of {os.getloadavg()[0]:.0f}")


def end_ray(host: Host) -> None:
    """As `ray stop --force` does."""

    def ended() -> bool:
        return not kill(host, "/ray/") and not kill(host, "ray::")

    until(ended, "all of Ray has ended")


def begin(hosts: tuple[Host, Host], what: str, **given: Any) -> subprocess.Popen[bytes]:
    """A user at the server's host who has something trained (`driver.py`), beside the test."""
    server, ray = hosts
    told = {"address": f"http://{ray.address}:8265", "hub": ray.hub, "interpreter": RAY_PYTHON, **given}
    server.path("/tmp/driver.log").unlink(missing_ok=True)
    words = (sys.executable, "-P", str(_DRIVER), what, json.dumps(told))
    return server.start(*words, log="/tmp/driver.log")


def finished(hosts: tuple[Host, Host], driver: subprocess.Popen[bytes]) -> Any:
    """What he found in the end."""
    log = hosts[0].path("/tmp/driver.log")
    assert driver.wait(900) == 0, log.read_text()
    print(log.read_text())
    return json.loads(log.read_text().splitlines()[-1])


def train(hosts: tuple[Host, Host], what: str = "count", **given: Any) -> Any:
    return finished(hosts, begin(hosts, what, **given))


def commands(host: Host) -> dict[int, str]:
    found = {}
    for pid in host.processes():
        try:
            found[pid] = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:  # it has ended
            continue
    return found


def kill(host: Host, part: str, most: int | None = None) -> list[int]:
    """Those with `part` in their commands, `most` of them."""
    found = [pid for pid, command in commands(host).items() if part in command][:most]
    for pid in found:
        with suppress(ProcessLookupError):  # it has ended
            os.kill(pid, signal.SIGKILL)
    return found


def scripts(host: Host) -> list[int]:
    return [pid for pid, command in commands(host).items() if "train.py" in command]


def nothing_is_left(host: Host) -> None:
    until(lambda: not scripts(host), "no script is left")
    until(lambda: not _with(host, "runner-"), "no runner is left")


def raylets_leave(host: Host) -> None:
    """Those of nodes: Ray's own autoscaler takes them away. The head's stays."""
    until(lambda: len(_with(host, _RAYLET)) == 1, "Ray's nodes have left", seconds=240)


def _with(host: Host, part: str) -> list[str]:
    return [each for each in commands(host).values() if part in each]
