"""Who watches what a run writes: what is watched is sent sooner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from faena.db import Write
from faena.kernel.clock import Micros
from faena.kernel.notifications import Notifications, Subscription
from faena.tracking.ingest import logs_topic, on_points, run_of_logs
from faena.tracking.model import StreamKey
from faena.tracking.points import Points


def metrics_topic(run_id: str) -> str:
    """What is notified when the run has new points. Whoever subscribes to it gets them within half a second."""
    return f"run/{run_id}/metrics"


def began_topic(run_id: str) -> str:
    """What is notified when somebody begins to watch the run."""
    return f"run/{run_id}/watched"


BEGAN = "watched"
"""What is notified when somebody begins to watch any run."""


@contextmanager
def watching(notifications: Notifications, run_id: str, *topics: str) -> Iterator[Subscription]:
    """Subscribe to topics of a run, `logs_topic` or `metrics_topic` among them, and have its runner know at once."""
    with notifications.subscribe(*topics) as subscription:
        notifications.notify({began_topic(run_id), BEGAN})
        yield subscription


def watched_runs(topics: Iterable[str]) -> dict[str, list[str]]:
    """Of subscribed topics, those by which runs are watched, by run."""
    found: dict[str, list[str]] = {}
    for topic in topics:
        run_id = run_of_logs(topic) or _run_of_metrics(topic)
        if run_id:
            found.setdefault(run_id, []).append(topic)
    return found


def _run_of_metrics(topic: str) -> str:
    run_id = topic.removeprefix("run/").removesuffix("/metrics")
    return run_id if topic == metrics_topic(run_id) else ""


@on_points.add
def _tell_watchers(write: Write, key: StreamKey, points: Mapping[str, Points], now: Micros) -> None:
    write.notify(metrics_topic(key.run_id))


def is_watched(notifications: Notifications, run_id: str) -> bool:
    """Whether anybody follows the run's logs or points at this moment."""
    return notifications.has_subscribers(logs_topic(run_id)) or are_points_watched(notifications, run_id)


def are_points_watched(notifications: Notifications, run_id: str) -> bool:
    return notifications.has_subscribers(metrics_topic(run_id))
