"""v1's `MNIST`: the files of the digits, as their publisher packs them."""

from __future__ import annotations

from faena.client.data.dataset import Dataset, FileDataset
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
