"""A server on one host, a Ray cluster on another, and who of it there is to be killed."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

from faena.testing.waiting import until
from tests.hosts.ground import CLUSTER, Lease, Site
from tests.hosts.namespaces import Host
from tests.on_ray import preparing
from tests.on_ray.ground import commands, end_ray, start_ray

IDLE_SECONDS = 8.0
_HERE = Path(__file__).resolve().parent
_WAITS = 300.0
_WORDS = {
    "bridge": "RAY_JOB_CONFIG_JSON_ENV_VAR",
    "worker": "ray::Holder",
    "runner": ".zip join ",
    "restarter": ".zip join ",
    "head": "gcs/gcs_server",
    "builder": "-m faena.environments ensure",
    "autoscaler": "/autoscaler/_private/monitor.py",
}
"""A part of the command of each; those of the others are found otherwise."""


class RaySite(Site):
    """Ray's nodes are processes of one host: they share its /tmp."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Lease(), 1)

    def _begin(self) -> None:
        preparing.bring_builder(self.ray)
        start_ray(self.ray, preparing.VARIABLES)
        self._have_operator()
        source = self.server.path("/tmp/source")
        shutil.copy(_HERE / "living_ranks.py", source / "train_ranks.py")
        (source / "first.py").write_text("print('a node is there')\n")
        self.do("attach", CLUSTER, f"http://{self.ray.address}:8265", self.ray.hub, IDLE_SECONDS)

    @property
    def ray(self) -> Host:
        return self.nodes[0]

    def who(self, victim: str) -> list[int]:
        """Processes of that kind."""
        if victim == "server":
            found = self.do("server")
            return [found] if found else []
        found = commands(self.ray)
        match victim:
            case "guard":
                return [pid for pid in found if _name(pid) == "faena-guard"]
            case "script" | "rank":
                return [pid for pid, words in found.items() if _is_script(pid, words)]
            case "raylet":  # the oldest is the head's
                return sorted((pid for pid, words in found.items() if _is_raylet(words)), key=_started)[1:]
        part = _WORDS[victim]
        pids = [pid for pid, words in found.items() if part in words and not words.startswith("/bin/sh")]
        if victim in ("runner", "restarter"):
            pids = [pid for pid in pids if (_name(pid) == "faena-restarter") == (victim == "restarter")]
        return [pid for pid in pids if _parent(pid) not in pids]

    def clean(self) -> None:
        """As before a run."""
        preparing.let_go(self.ray)
        for name in ("confirmed", "release"):
            self.ray.path(f"/tmp/{name}").unlink(missing_ok=True)

    def until_no_nodes(self) -> None:
        """Neither ours nor Ray's."""
        until(lambda: not self.ask("/nodes"), "no runner is there", seconds=_WAITS)
        until(lambda: not self.who("raylet"), "Ray has no node", seconds=_WAITS)

    def until_a_node_idles(self) -> None:
        """From now on: one that has idled for long might leave before anybody is killed."""
        first = self.submit(entry_script="first.py")
        self.until_status(first, "Completed", seconds=_WAITS)
        until(lambda: self.who("runner"), "a runner is there", seconds=_WAITS)

    def new_head(self) -> None:
        """At the address of the one that was killed, once its cluster has ended by itself.

        Its log monitor and agents wait for it for minutes: who starts another head ends these (`ray stop`).
        """

        def has_ended() -> bool:
            ours = [pid for victim in ("runner", "script", "builder") for pid in self.who(victim)]
            return not ours and not any(map(_is_raylet, commands(self.ray).values()))

        until(has_ended, "all nodes of the Ray cluster have ended", seconds=_WAITS)
        end_ray(self.ray)
        start_ray(self.ray, preparing.VARIABLES)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def go_on(pid: int) -> None:
    """Where it lives."""
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def now() -> float:
    """Seconds since the machine's start, as scripts write them down."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _is_script(pid: int, words: str) -> bool:
    return ("train.py" in words or "train_ranks.py" in words) and _name(pid) != "faena-guard"


def _is_raylet(words: str) -> bool:
    return "/raylet/raylet" in words.partition(" ")[0]


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _stat(pid: int, field: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[field])
    except OSError:
        return 0


def _parent(pid: int) -> int:
    return _stat(pid, 1)


def _started(pid: int) -> int:
    return _stat(pid, 19)
