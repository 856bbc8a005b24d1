"""v1's data sets of others, as far as they are at hand here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from faena.client.data.dataset import Dataset, FileDataset, TabularDataset
from faena.kernel import durable, settings
from faena.kernel.errors import UserErrorException
from faena_azureml.not_covered import refusal


class MNIST:
    """The handwritten digits: `MNIST.get_file_dataset()`."""

    @staticmethod
    def get_file_dataset(dataset_filter: str = "all", enable_telemetry: bool = True) -> FileDataset:
        """`train-images-idx3-ubyte.gz`, `train-labels-idx1-ubyte.gz`, `t10k-…`, on this machine.

        They are fetched and verified once for each user. `dataset_filter`: 'all', 'train' or 'test'.
        """
        return Dataset.mnist(dataset_filter)

    get_tabular_dataset = staticmethod(refusal("azureml.opendatasets.MNIST.get_tabular_dataset"))


class Diabetes:
    """442 patients, ten measurements each (`AGE`, `SEX`, `BMI`, `BP`, `S1` to `S6`) and what became of them (`Y`).

    The table is the one that scikit-learn ships, in the units of its publisher.
    """

    def __init__(self, cols: list[str] | None = None, enable_telemetry: bool = True) -> None:
        self._columns = cols

    @staticmethod
    def get_tabular_dataset(enable_telemetry: bool = True) -> TabularDataset:
        """Raises UserErrorException where scikit-learn is not installed."""
        return Dataset.Tabular.from_delimited_files(str(_diabetes()))

    def to_pandas_dataframe(self) -> Any:
        """The table, or the columns that were asked for."""
        table = self.get_tabular_dataset()
        return (table if self._columns is None else table.keep_columns(self._columns)).to_pandas_dataframe()

    get_file_dataset = staticmethod(refusal("azureml.opendatasets.Diabetes.get_file_dataset"))


def _diabetes() -> Path:
    """The file, written once for each user."""
    path = settings.home() / "datasets" / "diabetes" / "diabetes.csv"
    if path.exists():
        return path
    try:
        loaded: Any = import_module("sklearn.datasets").load_diabetes(scaled=False)
    except (ModuleNotFoundError, TypeError) as error:
        raise UserErrorException(
            "Diabetes is taken from scikit-learn, 1.1 or newer, which is not installed here: pip install scikit-learn."
        ) from error
    columns: dict[str, list[float]] = {
        **{str(name).upper(): loaded.data[:, n].tolist() for n, name in enumerate(loaded.feature_names)},
        "Y": loaded.target.tolist(),
    }
    texts = [_texts(values) for values in columns.values()]
    rows = (",".join(row) for row in zip(*texts, strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    durable.write_whole(path, "\n".join([",".join(columns), *rows, ""]).encode())
    return path


def _texts(values: list[float]) -> list[str]:
    """Whole numbers where the whole column is made of them."""
    whole = all(value.is_integer() for value in values)
    return [str(int(value)) if whole else str(value) for value in values]
