"""Counts and states in the text form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from faena.kernel.exposition import CONTENT_TYPE as CONTENT_TYPE
from faena.kernel.exposition import family, head, histogram, line
from faena.scoring.metrics import Metrics
from faena.scoring.status import RevisionStatus, State


def rendered(
    metrics: Metrics,
    revisions: Mapping[str, RevisionStatus],
    waiting: Mapping[str, int],
    batches: Mapping[str, Mapping[int, int]],
    connections: int,
    left_early: int,
) -> bytes:
    """`waiting`: requests, `batches`: how many of each size there were, both by revision."""
    lines = [
        *_requests(metrics),
        *family(
            "faena_run_failures_total", "counter", "Requests for which run() raised.", [({}, metrics.raised)]
        ),
        *family("faena_connections", "gauge", "Open connections of clients.", [({}, connections)]),
        *family(
            "faena_clients_left_total",
            "counter",
            "Clients that left before their answer.",
            [({}, left_early)],
        ),
        *family(
            "faena_queue_length",
            "gauge",
            "Requests that wait for a worker.",
            [({"revision": name}, count) for name, count in waiting.items()],
        ),
        *family(
            "faena_shadow_total",
            "counter",
            "Shadow requests by how their answers compared.",
            [({"result": result}, count) for result, count in metrics.shadow.items()],
        ),
        *family(
            "faena_updates_total",
            "counter",
            "Updates of revisions by how they went.",
            [({"result": result}, count) for result, count in metrics.updates.items()],
        ),
        *_batches(batches),
        *_workers(revisions),
    ]
    return ("\n".join(lines) + "\n").encode()


def _requests(metrics: Metrics) -> Iterator[str]:
    counts = sorted(metrics.requests.items())
    yield from family(
        "faena_requests_total",
        "counter",
        "Requests that were answered.",
        [({"route": route, "status": status}, count) for (route, status), count in counts],
    )
    yield from family(
        "faena_request_errors_total",
        "counter",
        "Those that were answered with a status of 500 or more.",
        [({"route": route, "status": status}, count) for (route, status), count in counts if status >= 500],
    )
    samples = [({"route": route}, found) for route, found in sorted(metrics.latencies.items())]
    yield from histogram("faena_request_seconds", "From the first byte of a request to its answer.", samples)


def _batches(batches: Mapping[str, Mapping[int, int]]) -> Iterator[str]:
    name = "faena_batch_size"
    yield from head(name, "histogram", "Requests that a worker was given to run together.")
    for revision, sizes in batches.items():
        reached = 0
        bound = 1
        while reached < sum(sizes.values()):
            reached = sum(count for size, count in sizes.items() if size <= bound)
            yield line(f"{name}_bucket", {"revision": revision, "le": bound}, reached)
            bound *= 2
        yield line(f"{name}_bucket", {"revision": revision, "le": "+Inf"}, reached)
        yield line(f"{name}_sum", {"revision": revision}, sum(size * count for size, count in sizes.items()))
        yield line(f"{name}_count", {"revision": revision}, reached)


def _workers(revisions: Mapping[str, RevisionStatus]) -> Iterator[str]:
    states = [
        ({"revision": name, "state": str(state)}, int(revision.state == state))
        for name, revision in revisions.items()
        for state in State
    ]
    yield from family("faena_revision_state", "gauge", "1 for the state that a revision is in.", states)
    workers = [
        ({"revision": name, "worker": worker.number}, worker)
        for name, revision in revisions.items()
        for worker in revision.workers
    ]
    for name, kind, help_text, values in (
        (
            "faena_worker_up",
            "gauge",
            "1 for a worker that can answer.",
            [worker.state in ("Ready", "Busy") for _, worker in workers],
        ),
        (
            "faena_worker_memory_bytes",
            "gauge",
            "Resident memory of a worker.",
            [worker.rss_bytes for _, worker in workers],
        ),
        (
            "faena_worker_cpu_seconds_total",
            "counter",
            "CPU time of a worker.",
            [worker.cpu_seconds for _, worker in workers],
        ),
        (
            "faena_worker_restarts_total",
            "counter",
            "Times that a worker was started anew.",
            [worker.restarts for _, worker in workers],
        ),
    ):
        pairs = [(labels, value) for (labels, _), value in zip(workers, values, strict=True)]
        yield from family(name, kind, help_text, pairs)
