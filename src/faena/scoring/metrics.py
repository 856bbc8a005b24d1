"""What is counted: requests by route and status, and how long they took."""

from __future__ import annotations

from typing import Any

from faena.kernel.exposition import Latencies
from faena.scoring.exchange import Answer, Request

BUCKETS = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Upper bounds, in seconds."""
NO_REQUEST = "none"
"""The route of what broke a bound, or was no HTTP, before it had one."""
_RAISED = b"x-ms-run-function-failed"


class Metrics:
    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = {}
        self.latencies: dict[str, Latencies] = {}
        self.raised = 0
        """Answers that say that `run` raised."""
        self.shadow: dict[str, int] = {}
        """Answers of shadow requests by how they compared."""
        self.updates: dict[str, int] = {}
        """By how they went."""

    def answered(self, request: Request, answer: Answer, now: float) -> None:
        key = (request.route, answer.status)
        requests = self.requests
        requests[key] = requests.get(key, 0) + 1
        latencies = self.latencies.get(request.route)
        if latencies is None:
            latencies = self.latencies[request.route] = Latencies(BUCKETS)
        latencies.add(now - request.received)
        if answer.status == 500 and any(name.lower() == _RAISED for name, _ in answer.headers):
            self.raised += 1

    def refused(self, answer: Answer) -> None:
        key = (NO_REQUEST, answer.status)
        self.requests[key] = self.requests.get(key, 0) + 1

    def shadowed(self, result: str) -> None:
        self.shadow[result] = self.shadow.get(result, 0) + 1

    def updated(self, result: str) -> None:
        self.updates[result] = self.updates.get(result, 0) + 1

    def dump(self) -> dict[str, Any]:
        """For the process that takes over."""
        return {
            "requests": [[route, status, count] for (route, status), count in self.requests.items()],
            "latencies": {route: [each.counts, each.seconds] for route, each in self.latencies.items()},
            "raised": self.raised,
            "shadow": self.shadow,
            "updates": self.updates,
        }

    def add(self, dumped: dict[str, Any]) -> None:
        """What another process has counted before."""
        for route, status, count in dumped["requests"]:
            self.requests[route, status] = self.requests.get((route, status), 0) + count
        for route, (counts, seconds) in dumped["latencies"].items():
            latencies = self.latencies.setdefault(route, Latencies(BUCKETS))
            latencies.counts = [ours + theirs for ours, theirs in zip(latencies.counts, counts, strict=True)]
            latencies.seconds += seconds
        self.raised += dumped["raised"]
        for ours, theirs in ((self.shadow, dumped["shadow"]), (self.updates, dumped["updates"])):
            for result, count in theirs.items():
                ours[result] = ours.get(result, 0) + count
