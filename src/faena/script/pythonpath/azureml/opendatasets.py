"""`azureml.opendatasets.MNIST` in a run or service whose interpreter cannot load Faena's client."""

from __future__ import annotations

import os

import _faena_data

from faena.script.errors import UserErrorException
from faena.script.mnist_files import ARRAYS, Files, idx_files, published


class MNIST:
    """The handwritten digits, as files: `MNIST.get_file_dataset().download(folder)`."""

    @staticmethod
    def get_file_dataset(dataset_filter: str = "all", enable_telemetry: bool = True) -> Files:
        """`train-images-idx3-ubyte.gz`, …; `dataset_filter`: 'all', 'train' or 'test'."""
        root = os.environ.get("FAENA_DATASETS")
        if not root:  # in no run
            return Files(_from_the_host(dataset_filter))

        def ensure() -> None:
            _faena_data.bring("mnist")
            if not os.path.exists(os.path.join(root, ARRAYS, "test.npz")):
                raise UserErrorException(
                    "MNIST is not in {} and cannot be brought from here. Dataset.mnist() on the host, or a run, "
                    "fetches it once for each user.".format(root)
                )

        return Files(idx_files(root, dataset_filter, ensure))


def _from_the_host(part: str) -> list[str]:
    """By the Python that has Faena, which knows where its state is and fetches what is missing."""
    import _faena_dead_answers

    try:
        return published(part, lambda: _faena_dead_answers.folder_of("mnist-files"))
    except _faena_dead_answers.Failed as error:
        raise UserErrorException("MNIST could not be brought: {}.".format(error)) from error
