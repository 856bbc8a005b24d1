"""Counts and states in the text form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from faena.scoring.metrics import BUCKETS, Metrics
from faena.scoring.status import RevisionStatus, State

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, object]


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
        *_family(
            "faena_run_failures_total", "counter", "Requests for which run() raised.", [({}, metrics.raised)]
        ),
        *_family("faena_connections", "gauge", "Open connections of clients.", [({}, connections)]),
        *_family(
            "faena_clients_left_total",
            "counter",
            "Clients that left before their answer.",
            [({}, left_early)],
        ),
        *_family(
            "faena_queue_length",
            "gauge",
            "Requests that wait for a worker.",
            [({"revision": name}, count) for name, count in waiting.items()],
        ),
        *_family(
            "faena_shadow_total",
            "counter",
            "Shadow requests by how their answers compared.",
            [({"result": result}, count) for result, count in metrics.shadow.items()],
        ),
        *_family(
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
    yield from _family(
        "faena_requests_total",
        "counter",
        "Requests that were answered.",
        [({"route": route, "status": status}, count) for (route, status), count in counts],
    )
    yield from _family(
        "faena_request_errors_total",
        "counter",
        "Those that were answered with a status of 500 or more.",
        [({"route": route, "status": status}, count) for (route, status), count in counts if status >= 500],
    )
    name = "faena_request_seconds"
    yield from _head(name, "histogram", "From the first byte of a request to its answer.")
    for route, latencies in sorted(metrics.latencies.items()):
        reached = 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), latencies.counts, strict=True):
            reached += count
            yield _line(f"{name}_bucket", {"route": route, "le": bound}, reached)
        yield _line(f"{name}_sum", {"route": route}, latencies.seconds)
        yield _line(f"{name}_count", {"route": route}, reached)


def _batches(batches: Mapping[str, Mapping[int, int]]) -> Iterator[str]:
    name = "faena_batch_size"
    yield from _head(name, "histogram", "Requests that a worker was given to run together.")
    for revision, sizes in batches.items():
        reached = 0
        bound = 1
        while reached < sum(sizes.values()):
            reached = sum(count for size, count in sizes.items() if size <= bound)
            yield _line(f"{name}_bucket", {"revision": revision, "le": bound}, reached)
            bound *= 2
        yield _line(f"{name}_bucket", {"revision": revision, "le": "+Inf"}, reached)
        yield _line(f"{name}_sum", {"revision": revision}, sum(size * count for size, count in sizes.items()))
        yield _line(f"{name}_count", {"revision": revision}, reached)


def _workers(revisions: Mapping[str, RevisionStatus]) -> Iterator[str]:
    states = [
        ({"revision": name, "state": str(state)}, int(revision.state == state))
        for name, revision in revisions.items()
        for state in State
    ]
    yield from _family("faena_revision_state", "gauge", "1 for the state that a revision is in.", states)
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
        yield from _family(name, kind, help_text, pairs)


def _family(name: str, kind: str, help_text: str, samples: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    yield from _head(name, kind, help_text)
    for labels, value in samples:
        yield _line(name, labels, value)


def _head(name: str, kind: str, help_text: str) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Labels, value: float) -> str:
    number = repr(float(value)) if isinstance(value, float) else str(int(value))
    shown = ",".join(f'{label}="{_escaped(str(text))}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {number}" if shown else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
