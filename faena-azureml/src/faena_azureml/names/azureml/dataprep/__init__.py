"""v1's data preparation engine: its most used words."""

from __future__ import annotations

from azureml.core import __version__

from faena_azureml.dataprep import (
    ColumnRelationship,
    ColumnSelector,
    Dataflow,
    FieldType,
    LocalFileOutput,
    PromoteHeadersMode,
    auto_read_file,
    col,
    f_and,
    f_not,
    f_or,
    read_csv,
    read_json,
    read_pandas_dataframe,
    read_parquet_file,
)
from faena_azureml.not_covered import not_covered

__all__ = [
    "ColumnRelationship",
    "ColumnSelector",
    "Dataflow",
    "FieldType",
    "LocalFileOutput",
    "PromoteHeadersMode",
    "__version__",
    "auto_read_file",
    "col",
    "f_and",
    "f_not",
    "f_or",
    "read_csv",
    "read_json",
    "read_pandas_dataframe",
    "read_parquet_file",
]


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module 'azureml.dataprep' has no attribute {name!r}")
    raise not_covered(f"azureml.dataprep.{name}")
