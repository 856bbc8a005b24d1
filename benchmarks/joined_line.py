"""From `Experiment.submit` to the script's first line in the follow stream, on a machine that joined and idles.

    python -m benchmarks.joined_line [--quick]

The machine is a real `faena node join` on this host, over TLS, with a home of its own: what it runs comes to it by
bytes. In turn with it a node of the server's own host. Ray's figure was measured on another day, on a machine like
this one with a head at rest: `ray job submit` to the first line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.first_line import ENVIRONMENTS, first_line
from benchmarks.ground import in_turns, median, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, JoinedCluster, Workspace
from faena.compute.machines.schemas import ListenerRequest
from faena.testing.waiting import until

BUDGET_S = 0.3
_RAY = "ray job submit 1.6 to 1.9 s (measured before)"


def measure(quick: bool = False) -> list[Row]:
    rounds = 3 if quick else 15
    with workspace() as ws:
        ws.api.nodes.listen(ListenerRequest())
        far = JoinedCluster.create(ws, "far", max_nodes=1)
        near = Cluster.create(ws, "near", max_nodes=1, min_nodes=1)
        rows = []
        with joined(ws, far):
            for environment, interpreter in ENVIRONMENTS.items():
                times = in_turns(
                    {
                        name: partial(first_line, ws, cluster, interpreter)
                        for name, cluster in (("far", far), ("near", near))
                    },
                    rounds,
                )
                spread = f"{min(times['far']):.2f} to {max(times['far']):.2f} s; {_RAY}"
                rows.append(
                    at_most(
                        f"first line, a joined node that idles, {environment}",
                        median(times["far"]),
                        BUDGET_S,
                        "s",
                        rival="a node here",
                        rival_value=median(times["near"]),
                        note=spread,
                    )
                )
    return rows


@contextmanager
def joined(ws: Workspace, cluster: JoinedCluster) -> Iterator[None]:
    """While it does, a machine has joined and idles."""
    made = cluster.join_token()
    home = Path(ws.folder.parent, "elsewhere")
    environment = {**os.environ, "FAENA_HOME": str(home), "FAENA_TOKEN": made.token, "TMPDIR": "/var/tmp"}
    words = [sys.executable, "-m", "faena.cli", "node", "join", made.url, "--name", "shed"]
    node = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL)
    try:
        until(lambda: any(each.state == "idle" for each in cluster.nodes()), "it idles", seconds=60)
        yield
    finally:
        node.terminate()
        node.wait(30)


if __name__ == "__main__":
    command("First line on a joined node", measure)
