"""v1's Dataset: Faena's, and the forms that it had before datasets were of files or of tables."""

from __future__ import annotations

from faena.client.data.dataset import Dataset as Datasets
from faena_azureml import old_datasets


class Scenario:
    """What a dataset was for, in `Model.register(..., datasets=[(Dataset.Scenario.TRAINING, dataset)])`."""

    TRAINING = "training"
    VALIDATION = "validation"
    INFERENCING = "inferencing"


class Dataset(Datasets):
    """Where datasets are made and found. See faena.Dataset."""

    Scenario = Scenario

    auto_read_files = staticmethod(old_datasets.auto_read_files)
    from_delimited_files = staticmethod(old_datasets.from_delimited_files)
    from_parquet_files = staticmethod(old_datasets.from_parquet_files)
    from_pandas_dataframe = staticmethod(old_datasets.from_pandas_dataframe)
    get = staticmethod(old_datasets.get)
