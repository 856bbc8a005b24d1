"""What plain Ray does beside `benchmarks.on_ray`, on the same cluster, in Ray's own environment.

    RAY_PYTHON benchmarks/ray_rival.py nodes COUNT
    RAY_PYTHON benchmarks/ray_rival.py gang COUNT
    RAY_PYTHON benchmarks/ray_rival.py tasks JSON

nodes: until so many nodes are there. gang: a placement group of so many bundles, an actor in each, which starts a bare
Python; prints how many seconds it took from the group to the last Python's first line, and when that was. tasks: so
many tasks that start a command; prints the wall seconds from the first to the end of the last.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import ray  # type: ignore[import-not-found,unused-ignore]  # of Ray's own environment
from ray.util import (  # type: ignore[import-not-found,unused-ignore]  # as above
    placement_group,
    remove_placement_group,
)
from ray.util.scheduling_strategies import (  # type: ignore[import-not-found,unused-ignore]  # as above
    PlacementGroupSchedulingStrategy,
)


def group_of(count: int) -> Any:
    made = placement_group([{"CPU": 1}] * count, strategy="STRICT_SPREAD")
    ray.get(made.ready())
    return made


def nodes(count: str) -> dict[str, Any]:
    remove_placement_group(group_of(int(count)))
    return {}


class Starter:
    def start(self) -> float:
        said = subprocess.run(
            [sys.executable, "-c", "import time; print(time.time())"], check=True, capture_output=True
        ).stdout
        return float(said)


def gang(count: str) -> dict[str, Any]:
    began = time.time()
    group = group_of(int(count))
    strategies = [PlacementGroupSchedulingStrategy(group, rank) for rank in range(int(count))]
    made = [ray.remote(Starter).options(num_cpus=1, scheduling_strategy=each).remote() for each in strategies]
    last = max(ray.get([each.start.remote() for each in made]))
    return {"seconds": last - began, "at": last}


def tasks(given: str) -> dict[str, Any]:
    told = json.loads(given)

    def task() -> None:
        variables = {**os.environ, **told["variables"]}
        subprocess.run(told["command"], check=True, cwd=told["cwd"], env=variables, stdout=subprocess.DEVNULL)

    remote = ray.remote(task).options(num_cpus=1)
    ray.get([remote.remote() for _ in range(told["at_once"])])  # workers are there
    began = time.perf_counter()
    ray.get([remote.remote() for _ in range(told["count"])])
    return {"wall": time.perf_counter() - began}


def main() -> None:
    what, given = sys.argv[1:]
    ray.init(address="auto", log_to_driver=False)
    print(json.dumps({"nodes": nodes, "gang": gang, "tasks": tasks}[what](given)), flush=True)


if __name__ == "__main__":
    main()
