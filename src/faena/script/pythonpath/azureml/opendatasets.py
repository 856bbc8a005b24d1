"""`azureml.opendatasets.MNIST` in a run or service whose interpreter cannot load Faena's client."""

from __future__ import annotations

import os

import _faena_data

from faena.script.errors import UserErrorException
from faena.script.mnist_files import ARRAYS, Files, idx_files


class MNIST:
    """The handwritten digits, as files: `MNIST.get_file_dataset().download(folder)`."""

    @staticmethod
    def get_file_dataset(dataset_filter: str = "all", enable_telemetry: bool = True) -> Files:
        """`train-images-idx3-ubyte.gz`, …; `dataset_filter`: 'all', 'train' or 'test'."""
        home = os.environ.get("FAENA_HOME") or os.path.join(os.path.expanduser("~"), ".faena")
        root = os.environ.get("FAENA_DATASETS") or os.path.join(home, "datasets")

        def ensure() -> None:
            _faena_data.bring("mnist")
            if not os.path.exists(os.path.join(root, ARRAYS, "test.npz")):
                raise UserErrorException(
                    "MNIST is not in {} and cannot be brought from here. Dataset.mnist() on the host, or a run, "
                    "fetches it once for each user.".format(root)
                )

        return Files(idx_files(root, dataset_filter, ensure))
