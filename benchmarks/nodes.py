"""A server with 1,000 nodes on other machines: joining, at rest, placing, a busy API, a restart.

    python -m benchmarks.nodes [--quick]

The nodes are `benchmarks.fake_nodes`: the true protocol over the true listener with TLS, and no script. They take more
of the two cores than the server does, and what all of them must do is told with that in it; what people ask is not,
since the nodes' processes come last (`nice`). CPU is the server's alone. `NODES` in the environment: another number
than 1,000. With 10,000 there are `benchmarks.many_nodes`, without sockets.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable

from benchmarks.fake_fleet import Fleet
from benchmarks.ground import median, processes, submit, workspace
from benchmarks.load import cpu_seconds
from benchmarks.memory import pss_mb
from benchmarks.rows import Row, at_most, command
from faena import Experiment, JoinedCluster, Workspace
from faena.compute.machines.schemas import ListenerRequest
from faena.testing.waiting import until

_SCRIPT = "print('never run')\n"
_SETTLING = 4.0
_ROUNDS = 5
_LISTS = 20
_IN_TURN = 200


def measure(quick: bool = False) -> list[Row]:
    number = int(os.environ.get("NODES", "100" if quick else "1000"))
    with workspace() as ws:
        ws.api.nodes.listen(ListenerRequest())
        cluster = JoinedCluster.create(ws, "far", max_nodes=number)
        bare, alone = pss_mb(_server(ws)), api_ms(ws)
        with Fleet(cluster, number) as fleet:
            ground = Ground(ws, cluster, fleet, 5.0 if quick else 20.0)
            return [
                *ground.joining(),
                *ground.at_rest(bare),
                *ground.placing(),
                *ground.runs_in_turn(),
                *ground.busy(alone),
            ]


def _server(ws: Workspace) -> int:
    return processes(ws, "faena.server")[0]


class Ground:
    def __init__(self, ws: Workspace, cluster: JoinedCluster, fleet: Fleet, seconds: float) -> None:
        self._ws, self._cluster, self._fleet, self._seconds = ws, cluster, fleet, seconds
        self._pid = _server(ws)
        self._nodes = f"{fleet.number:,} nodes"
        self._idle_ms: dict[str, float] = {}

    def joining(self) -> list[Row]:
        used = cpu_seconds(self._pid)
        took = max(each["at"] for each in self._fleet.wait("joined", self._fleet.number)) - self._fleet.began
        self._until_idle()
        cpu = 1000 * (cpu_seconds(self._pid) - used) / self._fleet.number
        return [
            Row(f"{self._nodes} join", "", took, "s"),
            Row(
                "server CPU, a node that joins",
                "",
                cpu,
                "ms",
                note="two connections, each with TLS's greeting",
            ),
        ]

    def at_rest(self, bare: float) -> list[Row]:
        time.sleep(_SETTLING)
        share, rates = self._load()
        mb = pss_mb(self._pid)
        self._idle_ms = api_ms(self._ws)
        used = cpu_seconds(self._pid)
        for _ in range(_LISTS):
            self._ws.api.nodes.list()
        a_list = 1000 * (cpu_seconds(self._pid) - used) / _LISTS
        return [
            Row(
                f"server CPU, GET /nodes of {self._nodes}", "", a_list, "ms", note="beats meanwhile included"
            ),
            Row(f"server CPU, {self._nodes} idle", "", share, "% of a core", note=rates),
            Row(
                "memory of the server, a node",
                "",
                1000 * (mb - bare) / self._fleet.number,
                "kB",
                note=f"PSS {bare:.0f} → {mb:.0f} MB",
            ),
        ]

    def placing(self) -> list[Row]:
        """One run with a rank on each node."""
        used = cpu_seconds(self._pid)
        run = submit(self._ws, self._cluster, _SCRIPT, node_count=self._fleet.number)
        sent = time.monotonic()
        said = self._fleet.wait("order", self._fleet.number)
        heard = max(each["at"] for each in said) - sent
        placed = cpu_seconds(self._pid) - used
        until(lambda: run.get_status() == "Running", "it runs", seconds=60)
        time.sleep(_SETTLING)
        used, began = cpu_seconds(self._pid), time.monotonic()
        self._fleet.say("end")
        ended = max(each["at"] for each in self._fleet.wait("closed", self._fleet.number)) - began
        run.wait_for_completion()
        closed = cpu_seconds(self._pid) - used
        ranks = f"a run of {self._fleet.number:,} ranks"
        size = f"an order has {said[0]['bytes'] / 1000:.0f} kB"
        return [
            at_most(f"{ranks}: submit → the last order heard", heard, 1.0, "s", note=size),
            Row(f"{ranks}: server CPU until then", "", placed, "s"),
            Row(f"{ranks}: they end → the last is closed", "", ended, "s", note=f"{run.get_status()}"),
            Row(f"{ranks}: server CPU of that", "", closed, "s"),
        ]

    def runs_in_turn(self) -> list[Row]:
        count = min(_IN_TURN, self._fleet.number)
        self._until_idle()
        used, delays = cpu_seconds(self._pid), []
        for _ in range(count):
            began = time.monotonic()
            submit(self._ws, self._cluster, _SCRIPT)
            (said,) = self._fleet.wait("order", 1)
            delays.append(1000 * (said["at"] - began))
        cpu = 1000 * (cpu_seconds(self._pid) - used) / count
        self._fleet.say("end")
        self._fleet.wait("closed", count)
        p95 = sorted(delays)[int(0.95 * count)]
        note = f"p95 {p95:.0f} ms; server CPU {cpu:.1f} ms a run, the nodes' beats included"
        return [
            Row(
                f"a run of 1 rank on {self._nodes}: submit → order heard", "", median(delays), "ms", note=note
            )
        ]

    def busy(self, alone: dict[str, float]) -> list[Row]:
        """A run on each node; then another server takes the place of this one."""
        self._until_idle()
        run = submit(self._ws, self._cluster, _SCRIPT, node_count=self._fleet.number)
        self._fleet.wait("order", self._fleet.number)
        until(lambda: run.get_status() == "Running", "it runs", seconds=60)
        time.sleep(2 * _SETTLING)
        share, rates = self._load()
        rows = [Row(f"server CPU, {self._nodes} run", "", share, "% of a core", note=rates)]
        rounds = [api_ms(self._ws) for _ in range(_ROUNDS)]
        for name, before in self._idle_ms.items():
            found = [each[name] for each in rounds]
            beside = f"no node: {alone[name]:.1f} ms; {_ROUNDS} times {min(found):.1f} to {max(found):.1f}"
            value = median(found)
            rows.append(Row(f"p95, {self._nodes} run: {name}", "", value, "ms", "idle", before, note=beside))
        rows.append(self._another_server())
        self._fleet.say("end")
        self._fleet.wait("closed", self._fleet.number)
        run.wait_for_completion()
        return rows

    def _another_server(self) -> Row:
        before, began = self._fleet.counts(), time.monotonic()
        self._ws.api.stop()
        until(lambda: self._pid not in processes(self._ws, "faena.server"), "it has left", seconds=60)
        left = time.monotonic()
        self._ws.api.clusters()
        up = time.monotonic()
        until(lambda: self._fleet.heard() > left, "all are heard", seconds=60)
        lost = (self._fleet.counts() - before)["lost"]
        note = f"it left in {left - began:.1f} s, the next one answers {up - left:.1f} s later; lost: {lost}"
        return Row(
            f"another server, {self._nodes} run: all are heard",
            "",
            self._fleet.heard(last=True) - left,
            "s",
            note=note,
        )

    def _until_idle(self) -> None:
        def idle() -> int:
            return self._ws.api.cluster("far").status.node_state_counts.idle_node_count

        until(lambda: idle() == self._fleet.number, "all idle", seconds=120)

    def _load(self) -> tuple[float, str]:
        """Of one core, in percent, and what the nodes said meanwhile."""
        before, used, began = self._fleet.counts(), cpu_seconds(self._pid), time.monotonic()
        time.sleep(self._seconds)
        lasted = time.monotonic() - began
        share = 100 * (cpu_seconds(self._pid) - used) / lasted
        return share, _rates(self._fleet.counts() - before, lasted)


def _rates(counts: Counter[str], seconds: float) -> str:
    return ", ".join(f"{name} {count / seconds:.0f}/s" for name, count in sorted(counts.items()))


def api_ms(ws: Workspace, rounds: int = 40) -> dict[str, float]:
    """p95 of what people ask, one after another."""
    run = Experiment(ws, "asked").start_logging(snapshot_directory=None)

    def log() -> None:
        run.log("loss", 0.5)
        run.flush()

    asked: dict[str, Callable[[], object]] = {
        "GET /runs": lambda: ws.api.runs(limit=50),
        "GET /clusters": ws.api.clusters,
        "GET /nodes": ws.api.nodes.list,
        "log and flush": log,
    }
    found: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, ask in asked.items():
            began = time.perf_counter()
            ask()
            found[name].append(1000 * (time.perf_counter() - began))
    run.complete()
    return {name: sorted(times)[int(0.95 * rounds)] for name, times in found.items()}


if __name__ == "__main__":
    command("Nodes on other machines", measure)
