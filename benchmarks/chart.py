"""A chart of a metric through the client, at 1 and at 10 million points: `python -m benchmarks.chart`.

Points come as spool bytes and are sealed, as those of a run that has ended. Each figure is the 95th percentile of 30
questions: request, answer, curve decoded. Beside it, from `RIVAL_PYTHON`, MLflow's `get_metric_history` on a SQLite file
with 100,000 points of one metric, inside its own process, without HTTP: it gives all points.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

from benchmarks.ground import HIDING, rival_python, workspace
from benchmarks.ingest import spool_frames
from benchmarks.rows import Row, at_most, command
from faena import Experiment, Workspace
from faena.db import Database, Write
from faena.kernel.clock import SystemClock
from faena.objects.files import FolderObjects
from faena.tracking import service
from faena.tracking.model import StreamKey

SIZES = (1_000_000, 10_000_000)
RIVAL_SIZE = 100_000
QUESTIONS = 30
BUDGET_MS = 100
BUDGET_POINTS = 4_000
RIVAL = """
import statistics, sys, time
from mlflow import MlflowClient
from mlflow.entities import Metric
client = MlflowClient(sys.argv[1])
run = client.create_run(client.create_experiment("chart")).info.run_id
size = int(sys.argv[2])
for first in range(0, size, 1000):
    client.log_batch(run, metrics=[Metric("loss", at / 7, 0, at) for at in range(first, first + 1000)])
times = []
for _ in range(5):
    began = time.perf_counter()
    found = client.get_metric_history(run, "loss")
    times.append(time.perf_counter() - began)
assert len(found) == size
print(statistics.median(times))
"""
