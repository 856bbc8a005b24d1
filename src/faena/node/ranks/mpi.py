"""MPI's ranks by MPICH, without ssh: node 0 has its `mpiexec` print the command that each node runs for itself.

That command is a proxy: it asks mpiexec over TCP what to start, and brings the ranks together. Hosts are
names alone: with the launcher `manual` mpiexec dials nobody.
"""

from __future__ import annotations

import os
import select
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path
from threading import Thread
from typing import IO

from faena.node.ranks import records, wrapper
from faena.node.ranks.launching import Launch, Refused

_LINE, _LAST_LINE = b"HYDRA_LAUNCH: ", b"HYDRA_LAUNCH_END"
_PROXY = "hydra_pmi_proxy"
_STARTERS = ("mpiexec.hydra", "mpiexec.mpich")
"""The first comes with MPICH's wheel, the other one is Debian's."""
_PRINTS_WITHIN = 30.0
_ENDS_WITHIN = 3.0
"""Seconds from the end of one of MPICH's processes to that of the others."""
_LOOK = 0.5
_KILLED = 1 << 8

_BREATH = 0.2
"""Seconds before the server is asked again: it answers at once where the run is to stop."""


def run(launch: Launch) -> tuple[int, str]:
    """Start the node's ranks; how they ended, as a wait status, and why, where that is no rank's own doing."""
    starter, proxy = programs(launch.asked["python"])
    managers: dict[int, str] = {}
    said: IO[bytes] | None = None
    if launch.node == 0:
        mpiexec, commands = _asked_for(launch, starter)
        managers[mpiexec.pid] = "mpiexec"
        said = mpiexec.stdout
        launch.exchange.tell("commands", shortened(commands))
    else:
        commands = _heard(launch)
    if commands:
        argv = [proxy, *shlex.split(commands[launch.node])[1:]]
        variables = {
            **os.environ,
            wrapper.PYTHON: launch.asked["launcher_python"],
            wrapper.CODE: os.getcwd(),  # noqa: PTH109  as the environment has it
            wrapper.START: str(Path(wrapper.__file__).resolve()),
        }
        started = launch.children.start(argv, variables, 1, deaf=True)
        managers[started.pid] = _PROXY
    if said is not None:
        Thread(target=_forward, args=(said,), daemon=True).start()
    return _wait(launch, managers)


def programs(python: str) -> tuple[str, str]:
    """MPICH's mpiexec and its proxy: those of the run's environment, else the machine's. Raises Refused."""
    beside = str(Path(python).parent)
    path = os.pathsep.join([beside, os.environ.get("PATH", "")])
    for name in _STARTERS:
        starter, proxy = shutil.which(name, path=path), shutil.which(_PROXY, path=path)
        if starter and proxy:
            return starter, proxy
    raise Refused(
        f"There is no MPICH on the node: neither beside {python} nor on the PATH is {_STARTERS[0]} with {_PROXY}. "
        "Install the packages mpich and mpi4py into the environment."
    )


def host_names(addresses: list[str]) -> list[str]:
    """What nodes are called: of two that have one name MPICH makes one. Addresses, since names are looked up, for 5 s
    where nobody answers."""
    if len(set(addresses)) == len(addresses) and not any(":" in address for address in addresses):
        return addresses
    numbers = [number.to_bytes(3, "big") for number in range(1, len(addresses) + 1)]
    return [".".join(map(str, (127, *number))) for number in numbers]


def _asked_for(launch: Launch, starter: str) -> tuple[subprocess.Popen[bytes], list[str]]:
    """mpiexec, and the command for each node. Raises Refused."""
    per_node = launch.asked["distributed"]["process_count_per_node"]
    addresses = [launch.address(node) for node in range(launch.nodes)]
    hosts = ",".join(f"{name}:{per_node}" for name in host_names(addresses))
    argv = [starter, "-launcher", "manual", "-localhost", launch.address(0), "-hosts", hosts]
    argv += ["-genvnone", "-wdir", "/", "-n", str(len(launch.ranks)), *wrapper.COMMAND]
    started = launch.children.start(argv, os.environ, subprocess.PIPE, deaf=True)
    assert started.stdout is not None
    lines: list[bytes] = []
    buffer = b""
    until = time.monotonic() + _PRINTS_WITHIN
    while _LAST_LINE not in lines:
        ready, _, _ = select.select([started.stdout], [], [], max(0.0, until - time.monotonic()))
        data = os.read(started.stdout.fileno(), 65536) if ready else b""
        if not data:
            launch.children.signal(signal.SIGKILL)
            said = b"\n".join([*lines, buffer])[-2000:].decode("utf-8", "replace").strip()
            raise Refused(f"mpiexec printed no commands for the nodes. It said: {said or 'nothing'}")
        *whole, buffer = (buffer + data).split(b"\n")
        lines += whole
    return started, [os.fsdecode(line[len(_LINE) :]) for line in lines if line.startswith(_LINE)]


def _heard(launch: Launch) -> list[str]:
    """The commands that node 0 has told; none where the run is to stop."""
    while not launch.children.is_stopping:
        found = launch.exchange.heard("commands", 1)
        if found is not None:
            return lengthened(found[0], launch.nodes)
        launch.children.wait_to_be_stopped(_BREATH)
    return []


def shortened(commands: list[str]) -> list[str]:
    """Those of a thousand nodes differ in the last word, the node's number: one stands for all then."""
    heads = {command.strip().rpartition(" ")[0] for command in commands}
    numbers = [command.strip().rpartition(" ")[2] for command in commands]
    is_regular = len(heads) == 1 < len(commands) and numbers == list(map(str, range(len(commands))))
    return list(heads) if is_regular else commands


def lengthened(told: list[str], nodes: int) -> list[str]:
    return [f"{told[0]} {node}" for node in range(nodes)] if len(told) == 1 < nodes else list(map(str, told))


def _forward(said: IO[bytes]) -> None:
    """What mpiexec says of the end of ranks goes into the log of the launcher."""
    while data := os.read(said.fileno(), 65536):
        os.write(1, data)


def _wait(launch: Launch, managers: dict[int, str]) -> tuple[int, str]:
    children = launch.children
    kill_at: float | None = None
    worst, message, killed = 0, "", False
    statuses: dict[str, int] = {}
    while children.are_left:
        if children.is_stopping and kill_at is None and not records.pids(launch.folder, launch.numbers):
            kill_at = time.monotonic() + _ENDS_WITHIN  # they are deaf, and no rank is left that ends them
        wait = _LOOK if children.is_stopping else None
        ended = children.wait(wait if kill_at is None else max(0.0, kill_at - time.monotonic()))
        for pid, status in ended.items():
            worst = worst or status
            statuses[managers[pid]] = status
            if os.WIFSIGNALED(status) and not killed and not children.is_stopping:
                name = signal.Signals(os.WTERMSIG(status)).name
                message = f"{managers[pid]}, which had started the ranks of node {launch.node}, was killed by {name}."
            # mpiexec ends when all nodes have; its going tells of this one's too
            if kill_at is None and (status or managers[pid] == "mpiexec"):
                kill_at = time.monotonic() + _ENDS_WITHIN
        if kill_at is not None and time.monotonic() >= kill_at:
            children.signal(signal.SIGKILL)
            kill_at, killed = time.monotonic() + 0.1, True
    # a proxy is content when it has ended its ranks for one of its own
    if not message and statuses.get(_PROXY) == 0 and (lost := records.lost(launch.folder, launch.numbers)):
        ranks = "rank" if len(lost) == 1 else "ranks"
        listed = ", ".join(map(str, lost))
        return (
            _KILLED,
            f"The process above {ranks} {listed} (node {launch.node}) was killed, and MPICH ended all.",
        )
    return worst, message
