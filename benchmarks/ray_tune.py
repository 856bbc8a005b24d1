"""Ray Tune beside `benchmarks.sweeps`, in the rivals' environment, which has none of our packages.

    RIVAL_PYTHON benchmarks/ray_tune.py JSON

Each trial is a function that starts the command of the plain loop as a subprocess and reports a loss. Prints the
wall seconds from `fit` to its end; what `ray.init` takes comes before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any


def main() -> None:
    given: dict[str, Any] = json.loads(sys.argv[1])
    import ray  # type: ignore[import-not-found,unused-ignore]  # of the rivals' environment
    from ray import tune  # type: ignore[import-not-found,unused-ignore]  # as above

    def trial(parameters: dict[str, float]) -> None:
        variables = {**os.environ, **given["variables"]}
        subprocess.run(
            given["command"], check=True, cwd=given["cwd"], env=variables, stdout=subprocess.DEVNULL
        )
        tune.report({"loss": parameters["x"] + parameters["y"]})

    with tempfile.TemporaryDirectory(dir="/tmp", prefix="ray-") as folder:  # sockets want short paths
        ray.init(num_cpus=given["at_once"], include_dashboard=False, log_to_driver=False, _temp_dir=folder)
        tuner = tune.Tuner(
            trial,
            param_space={"x": tune.uniform(0, 1), "y": tune.uniform(0, 1)},
            tune_config=tune.TuneConfig(
                num_samples=given["count"], max_concurrent_trials=given["at_once"], metric="loss", mode="min"
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        )
        began = time.perf_counter()
        found = tuner.fit()
        wall = time.perf_counter() - began
        ray.shutdown()
    if len(found) != given["count"] or found.num_errors:
        sys.exit(f"of {given['count']} trials {len(found)} were made, {found.num_errors} of them failed")
    print(json.dumps({"wall": wall}))


if __name__ == "__main__":
    main()
