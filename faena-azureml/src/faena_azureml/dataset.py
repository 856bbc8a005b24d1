"""v1's Dataset: Faena's, and the forms that it had before datasets were of files or of tables."""

from __future__ import annotations

from faena.client.data.dataset import Dataset as Datasets
from faena_azureml.not_covered import refusal, stand_in


class Dataset(Datasets):
    """Where datasets are made and found. See faena.Dataset."""

    Scenario = stand_in("azureml.core.dataset.Dataset.Scenario")
    auto_read_files = staticmethod(refusal("azureml.core.dataset.Dataset.auto_read_files"))
    from_delimited_files = staticmethod(refusal("azureml.core.dataset.Dataset.from_delimited_files"))
    from_pandas_dataframe = staticmethod(refusal("azureml.core.dataset.Dataset.from_pandas_dataframe"))
