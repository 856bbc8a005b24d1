"""A network, processes and a /tmp/ray of its own for a Ray cluster on this machine: nothing is left of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3

from benchmarks.memory import pss_mb
from faena.testing import ray_head

ADDRESS = ray_head.ADDRESS
_OF_HEAD = ("gcs_server", "dashboard/dashboard.py", "ray-dashboard-", "autoscaler/_private/monitor.py")
_RIVAL = Path(__file__).with_name("ray_rival.py")
_NAMESPACES = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_OWN = 'mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray && ip link set lo up && exec "$@"'
_ENTER = ("setpriv", "--pdeathsig", "KILL", "unshare", *_NAMESPACES, "sh", "-c", _OWN, "sh")


def ray_python() -> str:
    return os.environ.get("RAY_PYTHON", "")


def unavailable() -> str:
    """Why there can be no Ray cluster; empty where there can."""
    if not (python := ray_python()):
        return "RAY_PYTHON is not set"
    if not Path(python).with_name("ray").exists():
        return f"there is no `ray` beside {python}"
    try:
        done = subprocess.run([*_ENTER, "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"there is no program {error.filename!r}"
    return f"this user makes no namespaces: {done.stderr.strip()}" if done.returncode else ""


def inside(module: str, *arguments: str) -> Any:
    """What `python -m MODULE FILE …` writes to its file as JSON. Raises RuntimeError where it fails."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        file = Path(folder, "found.json")
        words = [*_ENTER, sys.executable, "-m", module, str(file), *arguments]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout[-2000:])
        return json.loads(file.read_text())


@contextmanager
def head(folder: Path, idle_minutes: float) -> Iterator[None]:
    """While it does, a cluster of four nodes at most is there."""
    folder.mkdir()
    ray_head.write(folder / "cluster.json", idle_minutes=idle_minutes)
    python = ray_python()
    given = {**os.environ, **ray_head.variables(python), "FAENA_HOME": str(folder / "home")}
    given |= {"RAY_TMPDIR": "/tmp", "TMPDIR": str(folder)}
    words = ray_head.start_words(python, folder / "cluster.json", "127.0.0.1")
    subprocess.run(words, check=False, env=given, cwd=folder, capture_output=True)
    ray_head.wait()
    try:
        yield
    finally:
        _stop(given)


def _stop(given: Mapping[str, str]) -> None:
    """Of the processes that are to be seen here there are no others of Ray's."""
    ray = Path(ray_python()).with_name("ray")
    subprocess.run([ray, "stop", "--force"], check=False, capture_output=True, env=given)


def rival(what: str, told: str) -> tuple[float, Any]:
    """When the driver began, and what it found."""
    began = time.time()
    words = [ray_python(), "-P", str(_RIVAL), what, told]  # beside it lies queue.py
    given = {**os.environ, "RAY_ADDRESS": "127.0.0.1:6379"}
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd="/var/tmp", env=given)
    if done.returncode:
        raise RuntimeError(f"Ray's driver of {what} failed: {done.stderr[-1500:]}")
    return began, json.loads(done.stdout.splitlines()[-1])


def job_submit() -> float:
    """Seconds from the start of `ray job submit` to its script's first line."""
    ray = str(Path(ray_python()).with_name("ray"))
    words = [
        ray,
        "job",
        "submit",
        "--address",
        ADDRESS,
        "--",
        ray_python(),
        "-u",
        "-c",
        "print('first line')",
    ]
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == "first line":
                seconds = time.perf_counter() - began
                process.stdout.read()
                return seconds
    raise RuntimeError(f"`ray job submit` ended with {process.returncode} and without its script's line")


def jobs(command: Sequence[str], count: int) -> float:
    """Seconds from the first of so many jobs at once to the end of the last."""
    http = urllib3.PoolManager()
    began = time.perf_counter()
    ids = [f"rival-{number}-{os.getpid()}" for number in range(count)]
    for each in ids:
        http.request(
            "POST", f"{ADDRESS}/api/jobs/", json={"entrypoint": " ".join(command), "submission_id": each}
        )
    while ids:
        found = http.request("GET", f"{ADDRESS}/api/jobs/{ids[-1]}").json()["status"]
        if found == "SUCCEEDED":
            ids.pop()
        elif found == "FAILED":
            raise RuntimeError(f"job {ids[-1]} failed")
        else:
            time.sleep(0.05)
    return time.perf_counter() - began


def stop_jobs(prefix: str) -> None:
    """Those that begin so, and wait until they have ended."""
    http = urllib3.PoolManager()
    while True:
        found = http.request("GET", f"{ADDRESS}/api/jobs/").json()
        living = [
            str(each["submission_id"])
            for each in found
            if str(each.get("submission_id") or "").startswith(prefix)
            and each["status"] in ("PENDING", "RUNNING")
        ]
        if not living:
            return
        for each in living:
            http.request("POST", f"{ADDRESS}/api/jobs/{each}/stop")
        time.sleep(0.2)


def head_mb() -> float:
    """PSS of the cluster's head: GCS, dashboard and autoscaler."""
    return sum(pss_mb(pid) for pid in with_words(*_OF_HEAD))


def with_words(*any_of: str) -> list[int]:
    """Processes that have one of these in their commands."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:  # it has ended
                continue
            if any(each in words for each in any_of):
                found.append(int(process.name))
    return found


def node_count() -> int:
    """Ray's nodes without its head."""
    return len(with_words("/raylet/raylet")) - 1
