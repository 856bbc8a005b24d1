"""What other rooms call. Each subject has its module; this is the list."""

from __future__ import annotations

from faena.tracking.files import file, files, files_topic, put_files
from faena.tracking.ingest import append, logs_topic, offsets
from faena.tracking.query import log_text, logs, metric_summaries, metrics, series
from faena.tracking.sealing import seal
from faena.tracking.watching import metrics_topic

__all__ = [
    "append",
    "file",
    "files",
    "files_topic",
    "log_text",
    "logs",
    "logs_topic",
    "metric_summaries",
    "metrics",
    "metrics_topic",
    "offsets",
    "put_files",
    "seal",
    "series",
]
