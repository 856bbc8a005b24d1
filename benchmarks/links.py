"""A link to another host on this machine: a network namespace behind a pair of devices that carry so much and no more.

Needs root, `ip` and `tc` (Debian: iproute2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """`address`: this host's, as the other one sees it. `entry`: what stands before a command that is to run there."""

    address: str
    entry: tuple[str, ...] = ()


LOOPBACK = Link("127.0.0.1")


def lacking() -> str:
    """Why no link can be made here; empty where one can."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    missing = [name for name in ("ip", "tc") if shutil.which(name) is None]
    return f"there is no program {missing[0]!r} (Debian: iproute2)" if missing else ""


@contextmanager
def shaped(rate: str) -> Iterator[Link]:
    """`rate`: in either direction, as `tc` takes it, such as "1gbit"."""
    net = f"10.79.{os.getpid() % 250}"  # others may have such a link, too
    name, ours, theirs = f"faena-bench-{os.getpid()}", f"fb{os.getpid()}a", f"fb{os.getpid()}b"
    _do("ip", "netns", "add", name)
    try:
        _do("ip", "link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        for inside, device, address in (((), ours, f"{net}.1"), (("-n", name), theirs, f"{net}.2")):
            _do("ip", *inside, "addr", "add", f"{address}/24", "dev", device)
            _do("ip", *inside, "link", "set", device, "up")
            shape = ("root", "tbf", "rate", rate, "burst", "256kb", "latency", "20ms")
            _do("tc", *inside, "qdisc", "add", "dev", device, *shape)
        yield Link(f"{net}.1", ("ip", "netns", "exec", name))
    finally:
        _do("ip", "netns", "del", name)


def _do(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
