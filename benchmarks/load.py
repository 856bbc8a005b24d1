"""Load for a server by wrk, and what the server's processes used meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
wrk.method = "POST"
wrk.body = io.open("{body}", "rb"):read("*a")
wrk.headers["Content-Type"] = "{kind}"
{headers}
"""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """`cpu_us`: of the whole server, a request. Answers other than 2xx are in `failed`."""

    rps: float
    p99_ms: float
    failed: int
    cpu_us: float


def wrk(
    url: str,
    body: bytes,
    clients: int,
    seconds: float,
    pid: int,
    folder: Path,
    headers: dict[str, str] | None = None,
    also: Iterable[int] = (),
) -> Result:
    """`pid`: the server's first process; `also`: its processes that are not below that one.

    Raises RuntimeError where wrk is not there.
    """
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is not there. On Debian and Ubuntu: apt install wrk")
    given = {"Content-Type": "application/json", **(headers or {})}
    kind = given.pop("Content-Type")
    (folder / "body").write_bytes(body)
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in given.items())
    script = folder / "load.lua"
    script.write_text(_SCRIPT.format(body=folder / "body", kind=kind, headers=lines))
    before = cpu_seconds(pid, also)
    words = ["wrk", "-t", "1", "-c", str(clients), "-d", f"{seconds:g}s", "--latency", "-s", str(script), url]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    used = cpu_seconds(pid, also) - before
    requests = int(_found(r"(\d+) requests in", said))
    failed = int(_found(r"Non-2xx or 3xx responses: (\d+)", said, "0"))
    return Result(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)), _p99(said), failed, used / max(1, requests) * 1e6
    )


def cpu_seconds(pid: int, also: Iterable[int] = ()) -> float:
    """Of these processes and all below them, those that have ended and were waited for included."""
    found, children, seen = 0.0, [pid, *also], set[int]()
    while children:
        each = children.pop()
        if each in seen:
            continue
        seen.add(each)
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            children += [
                int(child) for child in Path(f"/proc/{each}/task/{each}/children").read_text().split()
            ]
            for task in Path(f"/proc/{each}/task").iterdir():
                if task.name != str(each):
                    children += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
        found += sum(map(int, fields[11:15])) / _TICKS
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _p99(said: str) -> float:
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", said).groups()  # type: ignore[union-attr]  # wrk says it
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[unit]


def _found(pattern: str, said: str, default: str | None = None) -> str:
    match = re.search(pattern, said)
    if match is None:
        if default is None:
            raise RuntimeError(f"wrk said {said[-500:]}")
        return default
    return match.group(1)
