"""A run's numbers seen from outside: however many there are, as points, files and charts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from faena.client.metrics import series
from faena.client.metrics.series import Point
from faena.script.logging_run import LoggingRun


class MeasuredRun(LoggingRun):
    experiment: Any
    """Narrowed where runs of one kind are its own."""

    def get_metric_names(self) -> list[str]:
        """Metrics that have numbers, in the order in which they were first logged."""
        return list(self.experiment.workspace.api.metric_names(self.id))

    def get_metric_points(self, name: str) -> Iterator[Point]:
        """Each number of a metric with its time (microseconds, UTC) and step, as it arrived, however many there are.

        Raises NotFound when the run has no such metric.
        """
        for part in series.parts(self.experiment.workspace, self.id, name):
            yield from part.points()

    def export_metrics(self, path: str | os.PathLike[str], *names: str) -> None:
        """Write metrics, all that have numbers unless named, to FILE.csv, FILE.parquet or a folder for TensorBoard.

        Raises UserErrorException where it cannot be written, or the package of the format is missing.
        """
        from faena.client.metrics import metric_files  # what few ask for is loaded when they do

        metric_files.export(self.experiment.workspace, self.id, names or self.get_metric_names(), path)

    def plot(
        self, *names: str, against: Sequence[MeasuredRun] = (), axis: str = "step", pixels: int = 1000
    ) -> Any:
        """A Plotly figure of metrics, all that have numbers unless named; other runs are drawn over this one.

        `axis`: `step`, `time` (seconds) or `index`. Whatever the number of points, two a pixel are fetched at most.
        Raises UserErrorException where Plotly is not installed (`faena[charts]`), NotFound for a metric that no run
        has.
        """
        from faena.client.metrics import plots  # as above

        return plots.figure(plots.curves([self, *against], names, axis, pixels))
