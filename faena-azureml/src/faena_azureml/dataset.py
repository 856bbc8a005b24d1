"""v1's Dataset: Faena's file datasets; tabular ones say what to use instead."""

from __future__ import annotations

from faena.client.data.dataset import Dataset as FileDatasets
from faena_azureml.not_covered import refusal, stand_in


class Dataset(FileDatasets):
    """Where datasets are made and found. See faena.Dataset."""

    Tabular = stand_in("azureml.core.dataset.Dataset.Tabular")
    Scenario = stand_in("azureml.core.dataset.Dataset.Scenario")
    auto_read_files = staticmethod(refusal("azureml.core.dataset.Dataset.auto_read_files"))
    from_delimited_files = staticmethod(refusal("azureml.core.dataset.Dataset.from_delimited_files"))
    from_pandas_dataframe = staticmethod(refusal("azureml.core.dataset.Dataset.from_pandas_dataframe"))
