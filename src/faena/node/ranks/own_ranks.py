"""Ranks that find each other by themselves, once they are told where: torch's, and TensorFlow's workers and servers."""

from __future__ import annotations

import fcntl
import ipaddress
import os
import signal
import socket
import struct
import time

from faena.node.ranks import plan, records
from faena.node.ranks.launching import Launch
from faena.node.ranks.plan import Rank

GRACE = 1.0
"""Seconds that the others of a rank that failed get to leave: they may wait for it in a call that ends for nothing."""
_LOOK = 1.0
_SIOCGIFADDR = 0x8915

_BREATH = 0.2
"""Seconds before the server is asked again: it answers at once where the run is to stop."""


def run(launch: Launch) -> tuple[int, str]:
    """Start the node's ranks; how they ended, as a wait status, and why, where that is no rank's own doing."""
    told = _Told(launch)
    if launch.children.is_stopping:
        return signal.SIGTERM, ""
    running: dict[int, Rank] = {}
    for rank in launch.own:
        variables = {**told.variables(rank), **plan.variables(rank, launch.ranks)}
        log = records.open_log(launch.folder, rank.number)
        try:
            argv = plan.filled(launch.asked["argv"], variables)
            started = launch.children.start(argv, {**told.defaults(), **os.environ, **variables}, log)
        except OSError as error:
            os.write(log, f"{launch.asked['argv'][0]} could not be started: {error.strerror}\n".encode())
            records.write_ended(launch.folder, rank.number, 0, 127 << 8)
            break
        finally:
            os.close(log)
        running[started.pid] = rank
        records.write_begun(launch.folder, rank.number, started.pid)
    return _wait(launch, running), ""


def _wait(launch: Launch, running: dict[int, Rank]) -> int:
    """Until all have ended. One that fails ends the others; parameter servers end when no worker is left."""
    children = launch.children
    failed = len(running) < len(launch.own)
    kill_at: float | None = None
    if failed:
        kill_at = _ask_to_leave(launch)
    workers = sum(rank.role != plan.PARAMETER_SERVER for rank in running.values())
    told_of_workers = dismissed = False
    while children.are_left:
        if not workers and not told_of_workers and not failed:
            launch.exchange.tell("workers_ended", True)
            told_of_workers = True
        if told_of_workers and not dismissed and not failed and _have_all_workers_ended(launch):
            dismissed = True
            kill_at = _ask_to_leave(launch)
        wait = _LOOK if told_of_workers and not dismissed else None
        if kill_at is not None:
            wait = max(0.0, kill_at - time.monotonic())
        for pid, status in children.wait(wait).items():
            rank = running[pid]
            workers -= rank.role != plan.PARAMETER_SERVER
            if dismissed or (failed and kill_at is not None):
                continue
            records.write_ended(launch.folder, rank.number, pid, status)
            if status and not children.is_stopping:
                failed = True
                kill_at = _ask_to_leave(launch)
        if kill_at is not None and time.monotonic() >= kill_at:
            children.signal(signal.SIGKILL)
            kill_at = time.monotonic() + 0.1
    if not failed and not children.is_stopping and not told_of_workers and _has_servers(launch):
        launch.exchange.tell("workers_ended", True)
    return 1 << 8 if failed else 0


def _ask_to_leave(launch: Launch) -> float:
    """When they are to be killed."""
    launch.children.signal(signal.SIGTERM)
    return time.monotonic() + GRACE


def _has_servers(launch: Launch) -> bool:
    return any(rank.role == plan.PARAMETER_SERVER for rank in launch.ranks)


def _have_all_workers_ended(launch: Launch) -> bool:
    return launch.exchange.heard("workers_ended", launch.nodes, wait=0.0) is not None


class _Told:
    """What the ranks of the run are told of each other, which its nodes have agreed upon."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._is_torch = launch.asked["distributed"]["kind"] == plan.TORCH
        ports = free_ports(1 if self._is_torch else len(launch.own))
        if launch.node == 0 or not self._is_torch:
            launch.exchange.tell("ports", ports)
        self._ports = self._heard(1 if self._is_torch else launch.nodes)

    def _heard(self, nodes: int) -> list[list[int]]:
        while not self._launch.children.is_stopping:
            found = self._launch.exchange.heard("ports", nodes)
            if found is not None:
                return found
            self._launch.children.wait_to_be_stopped(_BREATH)
        return []

    def variables(self, rank: Rank) -> dict[str, str]:
        launch = self._launch
        if self._is_torch:
            return plan.of_torch(rank, launch.ranks, launch.address(0), self._ports[0][0])
        places = [
            plan.place(launch.address(each.node), self._ports[each.node][each.local]) for each in launch.ranks
        ]
        return plan.of_tensorflow(rank, launch.ranks, places)

    def defaults(self) -> dict[str, str]:
        """Which interface torch listens on: else it takes the one that the host's name stands for."""
        if not self._is_torch or not (name := interface_of(self._launch.address(self._launch.node))):
            return {}
        return dict.fromkeys(("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"), name)


def free_ports(count: int) -> list[int]:
    """That nobody has now. They are free until whoever is told of them takes them, which none can promise."""
    taken = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for each in taken:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            each.bind(("", 0))
        return [int(each.getsockname()[1]) for each in taken]
    finally:
        for each in taken:
            each.close()


def interface_of(address: str) -> str:
    """The interface that has an IPv4 address; empty where none has it."""
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if wanted.is_loopback:
        return "lo"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            asked = struct.pack("256s", name.encode()[:15])
            try:
                found = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, asked)[20:24]
            except OSError:
                continue  # it has none
            if ipaddress.ip_address(found) == wanted:
                return name
    return ""
