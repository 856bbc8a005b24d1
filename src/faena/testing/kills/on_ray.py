"""Somebody's Ray cluster, attached to a site: what is ours there is killed from inside, wherever its hosts are.

A script that is told by a tag of its run kills its runner, its guard or itself (`counted`); the bridge is killed by a
job of the cluster, which runs where the bridge does.
"""

from __future__ import annotations

import re
import secrets
import shutil
import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from urllib.parse import urlsplit

from faena.client.compute.ray_cluster import RayCluster
from faena.client.runs.experiment import Experiment
from faena.client.runs.run import Run
from faena.client.submission.estimator import Estimator
from faena.compute.backends.ray.jobs import Jobs
from faena.kernel.errors import ComputeTargetException
from faena.testing.kills.ground import EXPERIMENT, HERE, Case, Site
from faena.testing.waiting import until

CLUSTER = "ray"
BRIDGE, RUNNER, GUARD, SCRIPT = "bridge", "runner", "guard", "script"
VICTIMS = (BRIDGE, RUNNER, GUARD, SCRIPT)
PATIENCE = 600.0
"""Seconds for whatever needs a node: a cloud takes minutes to start one."""
_JOB = 120.0
_MOST_RETRIES = 20
_PYTHON = 'P=$(command -v python || command -v python3); exec "$P" -c '
_WHICH = 'import sys; print("python", sys.executable)'
_KILL = """
import os, signal
for p in filter(str.isdecimal, os.listdir("/proc")):
    try:
        with open(f"/proc/{p}/environ", "rb") as told, open(f"/proc/{p}/cmdline", "rb") as words:
            found = b"%s" in told.read() and b"FAENA_BRIDGE_CODE" in words.read()
    except OSError:
        continue
    if found:
        os.kill(int(p), signal.SIGKILL)
        print("killed", p)
"""
"""Its job has the bridge in no variable of its own."""


def own_address(ray: str) -> str:
    """Of this machine, on its way to the host of a URL that answers."""
    parts = urlsplit(ray)
    for family, kind, protocol, _, address in socket.getaddrinfo(
        parts.hostname, parts.port or 80, type=socket.SOCK_DGRAM
    ):
        with suppress(OSError), socket.socket(family, kind, protocol) as way:
            way.connect(address)  # nothing is sent
            return str(way.getsockname()[0])
    raise ComputeTargetException(
        f"There is no way to {ray}. Say where its nodes reach this machine: --address."
    )


def check(address: str, token: str | None) -> str:
    """Ray's version. Raises ComputeTargetException where no Ray cluster answers."""
    with closing(Jobs(address, token or "")) as jobs:
        return jobs.version()


class RaySide:
    """With one node at most. Its server listens for nodes where those of the Ray cluster reach it."""

    def __init__(self, site: Site, address: str, token: str | None) -> None:
        self._site = site
        self._jobs = Jobs(address, token or "")
        self._prefix = f"faena-{site.workspace.id}-{CLUSTER}-"
        (self._python,) = self._job(_WHICH, "python")
        shutil.copy(HERE / "counted.py", site.source)
        self.cluster = RayCluster.attach(
            site.workspace,
            CLUSTER,
            address=address,
            token=token,
            max_nodes=1,
            idle_seconds_before_scaledown=300,
        )

    def submit(self, case: Case, last: int) -> Run:
        alone = f"@{case.name}-{secrets.token_hex(4)}"
        estimator = Estimator(
            str(self._site.source),
            entry_script="counted.py",
            compute_target=CLUSTER,
            environment_variables={"KILLS_ALONE": alone, "KILLS_COUNT": str(last), "KILLS_TOLD": "1"},
            interpreter=self._python,
            max_node_losses=_MOST_RETRIES,
            max_retries=_MOST_RETRIES,
        )
        return Experiment(self._site.workspace, EXPERIMENT).submit(estimator, tags={"case": case.name})

    def have_killed(self, run: Run, attempt: int, victim: str) -> None:
        """The runner, the guard or the script of that attempt, by the script itself."""
        run.tag("kill", f"{attempt} {victim}")

    def kill_bridge(self) -> str | None:
        """The process that was killed, once another bridge lives; None where there was none."""
        living = self._bridges()
        if not living:
            return None
        found = self._job(_KILL % living[-1], "killed")
        if not found:
            return None
        until(lambda: set(self._bridges()) - set(living), "another bridge is sent", seconds=_JOB)
        return found[0]

    def close(self) -> None:
        """Its nodes leave, and its bridge, so that nothing of ours is left in the Ray cluster."""
        self.cluster.delete()
        until(lambda: not self._bridges(), "its bridge has left the Ray cluster", seconds=_JOB)
        self._jobs.close()

    def _bridges(self) -> Sequence[str]:
        return self._jobs.living(self._prefix)

    def _job(self, code: str, word: str) -> list[str]:
        """What its lines say that begin with a word. Raises ComputeTargetException where it fails."""
        job = f"faena-drill-{secrets.token_hex(4)}"
        self._jobs.submit(job, f"{_PYTHON}'{code}'", {})

        def ended() -> bool:
            return self._jobs.status(job)[0] not in ("PENDING", "RUNNING")

        until(ended, "a job of the Ray cluster has ended", seconds=_JOB)
        status, said = self._jobs.status(job)
        if status != "SUCCEEDED":
            raise ComputeTargetException(f"A job of the Ray cluster failed: {' '.join(said.split())[:300]}")
        return re.findall(rf"^{word} (.+)$", self._jobs.logs(job), re.MULTILINE)
