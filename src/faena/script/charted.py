"""A run that takes images, confusion matrices and their kin: metrics whose value is a file of the run."""

from __future__ import annotations

from faena.script import values
from faena.script.family import FamilyRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ChartedRun(FamilyRun):
    """Each call keeps a file with the run and its address as the metric's value, which `get_metrics` shows."""

    __slots__ = ()

    def _record(self, name: str, value: str) -> None:
        """One more value of the metric `name`."""
        raise NotImplementedError

    def log_image(self, name: str, path: Any = None, plot: Any = None, description: str = "") -> None:
        """An image: the file at `path`, or `plot`, matplotlib's pyplot or a figure. Kept as `NAME_<epoch>.png`.

        Raises UserErrorException unless exactly one of the two is given.
        """
        from faena.script import charts  # with its imports, which logging does not need

        name = values.check_name(name)
        charts.check_image(name, path, plot)
        if path is None:
            import io

            path = io.BytesIO()
            plot.savefig(path, format="png")
            path.seek(0)
        self._log_file("image", name, charts.stamped(name, ".png"), path)

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        """A confusion matrix in v1's schema, a dict or its JSON: `data` holds `class_labels` and `matrix`.

        Kept as a file called `name`, or `NAME_<epoch>` where there is one. Raises UserErrorException saying what is
        wrong with the value.
        """
        self._log_chart("confusion_matrix", name, value)

    def log_accuracy_table(self, name: str, value: Any, description: str = "") -> None:
        """An accuracy table in v1's schema; as `log_confusion_matrix`."""
        self._log_chart("accuracy_table", name, value)

    def log_residuals(self, name: str, value: Any, description: str = "") -> None:
        """Residuals in v1's schema: `data` holds `bin_edges` and `bin_counts`. As `log_confusion_matrix`."""
        self._log_chart("residuals", name, value)

    def log_predictions(self, name: str, value: Any, description: str = "") -> None:
        """Predictions in v1's schema: `data` holds `bin_averages`, `bin_errors`, `bin_counts` and `bin_edges`."""
        self._log_chart("predictions", name, value)

    def _log_chart(self, kind: str, name: str, value: Any) -> None:
        import io

        from faena.script import charts
        from faena.script.errors import Conflict

        name = values.check_name(name)
        data = charts.encoded(kind, name, value)
        try:
            self._log_file(kind, name, name, io.BytesIO(data))
        except Conflict:  # logged before: each one is kept
            self._log_file(kind, name, charts.stamped(name), io.BytesIO(data))

    def _log_file(self, kind: str, name: str, file_name: str, source: Any) -> None:
        from faena.script import charts

        self.upload_file(file_name, source)
        self._record(name, charts.address(self.id, file_name))
