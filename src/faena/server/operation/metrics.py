"""`/metrics`: what the server counts, in Prometheus's words."""

from __future__ import annotations

from collections.abc import Iterator

import faena
from faena.compute.model import NodeState
from faena.db.counts import Counts
from faena.kernel import settings
from faena.kernel.exposition import family, histogram
from faena.runs.model import RunStatus
from faena.server.operation import ingested, process
from faena.server.operation.gauges import Live, Totals
from faena.server.operation.process import LoopLag
from faena.server.operation.requests import Requests


def rendered(
    requests: Requests, counts: Counts, found: tuple[Live, Totals] | None, lag: LoopLag, database: str
) -> bytes:
    """`found`: None where the database does not answer. `database`: its kind."""
    lines = [
        *_of_build(database),
        *_of_requests(requests),
        *_of_database(counts, is_up=found is not None),
        *([] if found is None else _of_workspace(*found)),
        *_one("faena_metric_points_total", "counter", "Points of metrics that came.", ingested.points),
        *_of_process(lag),
    ]
    return ("\n".join(lines) + "\n").encode()


def _one(name: str, kind: str, help_text: str, value: float) -> Iterator[str]:
    return family(name, kind, help_text, [({}, value)])


def _of_build(database: str) -> Iterator[str]:
    labels = {"version": faena.__version__, "schema": settings.SCHEMA_VERSION, "database": database}
    return family("faena_build_info", "gauge", "1; what this server is.", [(labels, 1)])


def _of_requests(requests: Requests) -> Iterator[str]:
    counts = [
        ({"method": method, "route": route, "status": status}, count)
        for (method, route, status), count in sorted(requests.counts.items())
    ]
    yield from family("faena_http_requests_total", "counter", "Requests that were answered.", counts)
    latencies = [({"route": route}, each) for route, each in sorted(requests.latencies.items())]
    yield from histogram("faena_http_request_seconds", "Until an answer began.", latencies)
    yield from _one("faena_http_requests_open", "gauge", "Requests that are being answered.", requests.open)


def _of_database(counts: Counts, *, is_up: bool) -> Iterator[str]:
    for name, kind, help_text, value in (
        ("up", "gauge", "1 if the database answered this look.", int(is_up)),
        ("commits_total", "counter", "Transactions that were committed.", counts.commits),
        ("writes_total", "counter", "Writes, of which a transaction has several.", counts.writes),
        ("write_seconds_total", "counter", "Seconds in transactions that write.", counts.write_seconds),
        ("failed_commits_total", "counter", "Transactions of which nothing was kept.", counts.failed_commits),
        ("waiting_writes", "gauge", "Writes that wait for the writer.", counts.waiting_writes()),
        ("reads_total", "counter", "Reads.", counts.reads),
        ("read_seconds_total", "counter", "Seconds in reads.", counts.read_seconds),
        ("read_wait_seconds_total", "counter", "Seconds for which reads waited.", counts.waited_seconds),
        ("failed_reads_total", "counter", "Reads that failed or took too long.", counts.failed_reads),
    ):
        yield from _one(f"faena_database_{name}", kind, help_text, value)


def _of_workspace(live: Live, totals: Totals) -> Iterator[str]:
    there = {**totals.ended, **live.runs}
    states = [({"state": str(state)}, there.get(state, 0)) for state in RunStatus]
    yield from family("faena_runs", "gauge", "Runs by state; ended ones are counted seldom.", states)
    queued = live.runs.get(RunStatus.QUEUED, 0)
    yield from _one("faena_queue_length", "gauge", "Runs that wait for nodes.", queued)
    nodes = [({"state": str(state)}, live.nodes.get(state, 0)) for state in NodeState]
    yield from family("faena_nodes", "gauge", "Nodes by state.", nodes)
    yield from _one("faena_objects", "gauge", "Objects, counted seldom.", totals.objects)
    yield from _one("faena_object_bytes", "gauge", "Bytes of all objects.", totals.object_bytes)


def _of_process(lag: LoopLag) -> Iterator[str]:
    found = process.look()
    for name, kind, help_text, value in (
        ("faena_loop_lag_seconds_total", "counter", "By which the event loop was late.", lag.seconds),
        ("faena_loop_looks_total", "counter", "Times that it was looked at.", lag.looks),
        ("faena_loop_lag_worst_seconds", "gauge", "The worst since the last scrape.", lag.worst()),
        ("process_cpu_seconds_total", "counter", "CPU time.", found.cpu_seconds),
        ("process_resident_memory_bytes", "gauge", "Memory.", found.resident_bytes),
        ("process_open_fds", "gauge", "Open descriptors.", found.descriptors),
        ("process_start_time_seconds", "gauge", "When it started.", process.STARTED),
    ):
        yield from _one(name, kind, help_text, value)
